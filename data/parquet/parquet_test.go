package parquet

import (
	"bytes"
	"encoding/base64"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/data"
)

// The files of these tests are what Apache Arrow wrote. Cells are what they would be in a CSV.
func TestRead(t *testing.T) {
	table, err := data.ReadFile("testdata/kinds.parquet")
	require.NoError(t, err)
	require.Equal(t, 3, table.Len())
	for name, want := range map[string][]string{
		"id": {"1", "1", "2"}, "t": {"0", "0.5", ""}, "y": {"1.5", "", "-2.25"}, "n": {"4611686018427387904", "-1", "0"}, "u": {"18446744073709551615", "0", "7"},
		"ok": {"1", "0", ""}, "name": {"a", `b "c", d`, "ü"}, "day": {"2026-05-01", "1969-12-31", ""},
		"at": {"2026-05-01T12:30:00.25Z", "1969-12-31T23:59:59Z", ""}, "loc": {"2026-05-01T12:30:00", "", ""}, "clock": {"08:30:00", "23:59:59.5", ""},
		"money": {"1234e-2", "", "-50e-2"},
	} {
		got, err := table.Strings(name)
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
	money, err := table.Floats("money")
	require.NoError(t, err)
	require.Equal(t, []float64{12.34, -0.5}, []float64{money[0], money[2]})
	_, err = table.Floats("name")
	require.ErrorContains(t, err, "testdata/kinds.parquet:1: column `name`: `a` is not a number")

	table, err = data.ReadFile("testdata/decay.parquet")
	require.NoError(t, err)
	at, err := table.Floats("t")
	require.NoError(t, err)
	y, err := table.Floats("y")
	require.NoError(t, err)
	require.Len(t, y, 400)
	for i := range y {
		require.InDelta(t, math.Exp(-at[i]), y[i], 1e-15)
	}
	_, err = data.ReadFile("testdata/list.parquet")
	require.ErrorContains(t, err, "column `l`: a column of the type `group` is not read")
}

// Damaged files are errors, whatever is wrong in them.
func TestDamaged(t *testing.T) {
	whole, err := os.ReadFile("testdata/decay.parquet")
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(1, 1))
	failed := 0
	for range 300 {
		b := bytes.Clone(whole)
		for range 1 + rng.IntN(3) {
			b[rng.IntN(len(b))] ^= byte(1 + rng.IntN(255))
		}
		if rng.IntN(4) == 0 {
			b = b[:rng.IntN(len(b))]
		}
		if _, err := Read("x.parquet", bytes.NewReader(b)); err != nil {
			failed++
			require.IsType(t, &data.Error{}, err)
		}
	}
	require.Greater(t, failed, 80)
}

// TestDurations: whole numbers that pandas notes as what has passed are times with their unit.
func TestDurations(t *testing.T) {
	type row struct {
		T int64   `parquet:"t,optional"`
		U int64   `parquet:"u"`
		N int64   `parquet:"n"`
		Y float64 `parquet:"y"`
	}
	var b bytes.Buffer
	w := parquet.NewGenericWriter[row](&b, parquet.KeyValueMetadata("pandas",
		`{"columns": [{"name": "t", "field_name": "t", "numpy_type": "timedelta64[ns]"}, {"name": "u", "field_name": "u", "numpy_type": "timedelta64[ms]"}, {"name": "n", "field_name": "n", "numpy_type": "int64"}]}`))
	_, err := w.Write([]row{{5400e9, 0, 3, 1}, {90000e9 + 1, -500, 4, 2}})
	require.NoError(t, err)
	require.NoError(t, w.Close())
	table, err := Read("d.parquet", &b)
	require.NoError(t, err)
	for name, want := range map[string][]string{
		"t": {"0 days 01:30:00", "1 days 01:00:00.000000001"}, "u": {"0 days 00:00:00", "-1 days 23:59:59.5"}, "n": {"3", "4"},
	} {
		got, err := table.Strings(name)
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
	set, err := data.Build(table, &data.Spec{Time: data.Column{Name: "t"}, Second: 1. / 3600, Observes: []data.Column{{Name: "y", Factor: 1}}})
	require.NoError(t, err)
	require.InDeltaSlice(t, []float64{1.5, 25}, set.Trajectories[0].Times, 1e-12)
}

// TestArrowDurations: a file of Arrow notes units in its own schema alone. What is left of a damaged schema has
// no more columns, and nothing fails by it.
func TestArrowDurations(t *testing.T) {
	text, err := os.ReadFile("testdata/durations.parquet")
	require.NoError(t, err)
	table, err := Read("durations.parquet", bytes.NewReader(text))
	require.NoError(t, err)
	for name, want := range map[string][]string{
		"n": {"3", "4"}, "s": {"0 days 01:30:00", "1 days 01:00:00"}, "ms": {"0 days 00:00:00", "-1 days 23:59:59.5"},
		"us": {"0 days 00:00:00.000001", ""}, "ns": {"1 days 01:00:00.000000001", "0 days 00:00:00"},
	} {
		got, err := table.Strings(name)
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
	f, err := parquet.OpenFile(bytes.NewReader(text), int64(len(text)))
	require.NoError(t, err)
	note, ok := f.Lookup("ARROW:schema")
	require.True(t, ok)
	whole := map[string]time.Duration{"s": time.Second, "ms": time.Millisecond, "us": time.Microsecond, "ns": time.Nanosecond}
	require.Equal(t, whole, arrowDurations(note))
	raw, err := base64.StdEncoding.DecodeString(note)
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(3, 4))
	for k := range 20000 {
		b := bytes.Clone(raw)
		for range 1 + k%4 {
			b[rng.IntN(len(b))] ^= byte(1 + rng.IntN(255))
		}
		if k%3 == 0 {
			b = b[:rng.IntN(len(b))]
		}
		require.LessOrEqual(t, len(arrowDurations(base64.StdEncoding.EncodeToString(b))), 6)
	}
}
