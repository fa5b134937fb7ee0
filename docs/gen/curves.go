package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"encoding/hex"
	"hash/crc32"
	"math"
	"strconv"

	"github.com/pinode/pinode"
)

// curves are what a picture shows: the columns of a run over time.
type curves struct {
	columns, units []string // of the time first
	runs           []*pinode.Trajectory
	dots           []string  // columns that are looked at at some times only,
	times          []float64 // these
}

// newCurves runs a model, whose data stand beside the page. Of several
// trajectories the first column tells it.
func newCurves(page, text string) (*curves, error) {
	m, err := pinode.Parse(page, text)
	if err != nil {
		return nil, err
	}
	s, err := m.Simulate(context.Background(), pinode.SimulateOptions{})
	if err != nil {
		return nil, err
	}
	c := &curves{columns: s.Columns, units: s.Units, runs: s.Trajectories}
	if times, ok := m.Settings()["simulate"].(map[string]any)["times"].([]float64); ok {
		c.dots, c.times = m.Observations(), times
	}
	if len(c.runs) > 1 {
		c.columns, c.units = c.columns[:2], c.units[:2]
	}
	return c, nil
}

// csv is the file of the curves: rows of each run, and a row with a name and a
// time for each event of it. Six digits are more than a picture shows.
func (c *curves) csv() []byte {
	var buf bytes.Buffer
	w := csv.NewWriter(&buf)
	_ = w.Write(append([]string{"run", "event"}, c.columns...))
	for _, r := range c.runs {
		for _, row := range r.Rows {
			cells := []string{r.Name, ""}
			for _, v := range row[:len(c.columns)] {
				cells = append(cells, short(v))
			}
			_ = w.Write(cells)
		}
		for _, e := range r.Events {
			cells := make([]string, 2+len(c.columns))
			cells[0], cells[1], cells[2] = r.Name, label(e), short(e.Time)
			_ = w.Write(cells)
		}
	}
	w.Flush()
	return buf.Bytes()
}

// label is the name of an event, with the surface of a sliding motion.
func label(e pinode.Event) string {
	if e.Surface != "" {
		return e.Name + " " + e.Surface
	}
	return e.Name
}

// short is a number with six digits; what is round-off of a zero is zero.
func short(v float64) string {
	if math.Abs(v) < 1e-9 {
		return "0"
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}

func hash(text []byte) string {
	h := sha256.Sum256(text)
	return hex.EncodeToString(h[:])
}

// The header of a PNG file is its signature and a chunk of 13 bytes.
const headerEnd = 8 + 4 + 4 + 13 + 4

// withHash puts the hash of the curves into a picture, as a chunk of text
// behind its header (PNG, section 11.3.4.3: tEXt).
func withHash(picture []byte, sum string) []byte {
	body := append([]byte("tEXtcurves\x00"), sum...)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(body)-4))
	chunk = append(chunk, body...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(body))
	out := append([]byte{}, picture[:headerEnd]...)
	return append(append(out, chunk...), picture[headerEnd:]...)
}
