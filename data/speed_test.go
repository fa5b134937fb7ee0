package data

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// measured is the text of a table of measurements, a trajectory for each 500 rows.
func measured(rows int) []byte {
	var b bytes.Buffer
	b.WriteString("id,t,a,b,c\n")
	rng := rand.New(rand.NewPCG(3, 3))
	for i := range rows {
		fmt.Fprintf(&b, "%d,%.2f,%.6f,%.4f,%.8f\n", i/500, float64(i%500)*0.01, rng.Float64(), 100*rng.Float64(), 1e-3*rng.Float64())
	}
	return b.Bytes()
}

// BenchmarkRead compares a table that becomes trajectories with what encoding/csv takes to split
// it into cells: how many times its rate that is, and how many times the file's size it allocates.
func BenchmarkRead(b *testing.B) {
	text := measured(400_000)
	b.SetBytes(int64(len(text)))
	var alone, whole time.Duration
	allocated := uint64(0)
	for b.Loop() {
		began := time.Now()
		c := csv.NewReader(bytes.NewReader(text))
		for {
			if _, err := c.Read(); err == io.EOF {
				break
			}
		}
		alone += time.Since(began)
		before := totalAlloc()
		began = time.Now()
		readAll(b, text)
		whole += time.Since(began)
		allocated += totalAlloc() - before
	}
	b.ReportMetric(alone.Seconds()/whole.Seconds(), "csv-rates")
	b.ReportMetric(float64(allocated)/float64(b.N)/float64(len(text)), "file-sizes")
}

func totalAlloc() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// readAll reads the table and forms its trajectories.
func readAll(t testing.TB, text []byte) *Set {
	spec := &Spec{Time: Column{Name: "t"}, Keys: []string{"id"}, Observes: []Column{{Name: "a"}, {Name: "b"}, {Name: "c"}}}
	table, err := ReadDelimited("d.csv", bytes.NewReader(text), ',')
	require.NoError(t, err)
	set, err := Build(table, spec)
	require.NoError(t, err)
	return set
}

// A table in the order of its trajectories takes about its text and the numbers in it, and no
// copies of them; one in another order gives the same.
func TestMemory(t *testing.T) {
	text := measured(20_000)
	before := totalAlloc()
	set := readAll(t, text)
	require.Less(t, float64(totalAlloc()-before)/float64(len(text)), 2.3)
	rows := bytes.SplitAfter(text, []byte("\n"))
	header, rows := rows[0], rows[1:len(rows)-1]
	rng := rand.New(rand.NewPCG(1, 1))
	rng.Shuffle(len(rows), func(i, k int) { rows[i], rows[k] = rows[k], rows[i] })
	other := readAll(t, append(header[:len(header):len(header)], bytes.Join(rows, nil)...))
	byKey := map[string]*Trajectory{}
	for _, tr := range other.Trajectories {
		byKey[tr.Key[0]] = tr
	}
	require.Len(t, byKey, len(set.Trajectories))
	for _, tr := range set.Trajectories {
		o := byKey[tr.Key[0]]
		require.Equal(t, tr.Times, o.Times)
		require.Equal(t, rowsOf(&tr.Obs), rowsOf(&o.Obs))
		for i := range tr.Obs.Len() {
			line := rows[o.Lines.At(i)-2]
			require.True(t, bytes.HasPrefix(line, fmt.Appendf(nil, "%s,%.2f,", tr.Key[0], tr.Times[i])), "%s", line)
		}
	}
}

// Rows of a text of more than 4 GiB begin behind it.
func TestFarRows(t *testing.T) {
	table := Table{starts: []uint32{7, 9, 3, 8, 1}, wraps: []int{2, 4}}
	for i, want := range []int{7, 9, 3 + 1<<32, 8 + 1<<32, 1 + 2<<32} {
		require.Equal(t, want, table.start(i))
	}
}
