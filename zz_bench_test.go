package pinode

import (
	"os"
	"testing"
	"time"
)

func TestZZ(t *testing.T) {
	if os.Getenv("ZZ") == "" {
		t.Skip()
	}
	m, err := Load(os.Getenv("ZZ"))
	if err != nil {
		t.Fatal(err)
	}
	for range 8 {
		t0 := time.Now()
		s, err := m.Simulate(Cores(1))
		if err != nil {
			t.Fatal(err)
		}
		t.Log(time.Since(t0), s.Stats, len(s.Trajectories))
	}
}
