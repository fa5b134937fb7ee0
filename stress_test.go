package pinode

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/nn"
)

// fingerprint has all bits of the loss of a random hybrid model over seven
// trajectories and of its gradient. Every other model has a network, half of
// them in single precision; the methods take turns.
func fingerprint(dir string, seed uint64, workers int) (uint64, error) {
	text := randomHybrid(rand.New(rand.NewPCG(seed, 77)))
	precision := "f64"
	if seed%2 == 0 {
		activation := nn.Activations[seed/4%uint64(len(nn.Activations))].Name
		text = strings.Replace(text, "  x0' = ", "  neural f(x0) -> 1 { hidden: [9, 13], activation: "+activation+", seed: 3 }\n  x0' = 0.3*f(x0) + ", 1)
		if seed%4 == 0 {
			precision = "f32"
		}
	}
	methods := explicitMethods()
	tab := methods[seed/2%uint64(len(methods))]
	method := tab.Name + " { step: 0.02 }"
	if tab.Adaptive() {
		method = tab.Name + " { rtol: 1e-6, atol: 1e-8 }"
	}
	text += "data d from \"d.csv\" { trajectory: traj; time: t; obs: obs }\nfit { solver: " + method + "; precision: " + precision + " }\n"
	m, err := Parse(filepath.Join(dir, "m.node"), text)
	if err != nil {
		return 0, err
	}
	f, err := m.NewFit(FitOptions{Workers: workers})
	if err != nil {
		return 0, err
	}
	x, err := f.inner.Objective.Space.X0()
	if err != nil {
		return 0, err
	}
	grad := make([]float64, len(x))
	h := fnv.New64a()
	for range 12 {
		res, err := f.inner.Objective.Eval(context.Background(), x, nil, 1, grad)
		if err != nil {
			return 0, err
		}
		fmt.Fprint(h, res.Failed, res.Reason.Item, res.Reason.Time)
		for _, v := range append([]float64{res.Loss}, grad...) {
			_ = binary.Write(h, binary.LittleEndian, math.Float64bits(v))
		}
		for i := range x {
			x[i] += 1e-3
		}
	}
	return h.Sum64(), nil
}

// stressData writes the trajectories of the random models.
func stressData(t *testing.T) string {
	dir := t.TempDir()
	csv := "traj,t,obs\n"
	for k := range 7 {
		for i, x := range []float64{0, 0.45, 0.97, 1.63, 2.31, 2.9}[:3+k%4] {
			csv += fmt.Sprintf("%d,%g,%g\n", k, x, 0.3*float64((i+k)%3))
		}
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(csv), 0o600))
	return dir
}

// TestFingerprints prints fingerprints for ever, for TestStress.
func TestFingerprints(t *testing.T) {
	if os.Getenv("PINODE_FINGERPRINTS") == "" {
		t.Skip("it is run by TestStress")
	}
	dir := stressData(t)
	for seed := uint64(0); ; seed++ {
		v, err := fingerprint(dir, seed, 1)
		if _, e := fmt.Printf("print %d %x %v\n", seed, v, err); e != nil {
			return
		}
	}
}

// TestStress runs random models on many goroutines, with the garbage collector
// running all the time and the profiler's signals interrupting machine code,
// and compares every bit of their losses and gradients with those of another
// process that interprets. PINODE_STRESS says for how long: `30m`; without it,
// three seconds.
func TestStress(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("PINODE_STRESS"))
	if err != nil {
		length = 3 * time.Second
	}
	if testing.Short() {
		t.Skip("long")
	}
	dir := stressData(t)
	other := exec.Command(os.Args[0], "-test.run=^TestFingerprints$", "-test.timeout=0")
	other.Env = append(os.Environ(), "PINODE_FINGERPRINTS=1", "PINODE_EXEC=interp")
	out, err := other.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, other.Start())
	var want sync.Map
	var known atomic.Int64
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var seed, v uint64
			var rest string
			if n, _ := fmt.Sscanf(lines.Text(), "print %d %x %s", &seed, &v, &rest); n == 3 {
				want.Store(seed, v)
				known.Add(1)
			}
		}
	}()

	require.NoError(t, pprof.StartCPUProfile(io.Discard))
	defer pprof.StopCPUProfile()
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	stop := time.Now().Add(length)
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		for time.Now().Before(stop) {
			runtime.GC()
		}
	}()
	var next, checked atomic.Int64
	var mu sync.Mutex
	got := map[uint64]uint64{}
	for g := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for time.Now().Before(stop) {
				// Again and again those that the other process has done, too.
				seed := uint64(next.Add(1) - 1)
				if n := known.Load(); g%2 == 1 && n > 0 {
					seed %= uint64(n)
				}
				v, err := fingerprint(dir, seed, 1+g%3)
				if err != nil {
					t.Errorf("seed %d: %v", seed, err)
					return
				}
				mu.Lock()
				if old, ok := got[seed]; ok && old != v {
					t.Errorf("seed %d: %x, and %x before", seed, v, old)
				}
				got[seed] = v
				mu.Unlock()
				if w, ok := want.Load(seed); ok {
					checked.Add(1)
					if w != v {
						t.Errorf("seed %d: %x, the interpreter has %x", seed, v, w)
					}
				}
			}
		}()
	}
	wg.Wait()
	_ = other.Process.Kill()
	<-read
	_ = other.Wait()
	for seed, v := range got {
		if w, ok := want.Load(seed); ok {
			require.Equal(t, w, v, "seed %d: the interpreter has other bits", seed)
		}
	}
	t.Logf("%d runs of %d models, %d of them compared with the interpreter at once", next.Load(), len(got), checked.Load())
	require.Positive(t, len(got))
}
