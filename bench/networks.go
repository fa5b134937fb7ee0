package bench

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// layers is a network with two hidden layers of one width, and a batch of rows.
type layers struct{ in, hidden, out, rows int }

func (n layers) String() string {
	return fmt.Sprintf("%d-%d-%d-%d", n.in, n.hidden, n.hidden, n.out)
}

const layersText = `model Layers {
  covariate a[%d]
  state rest = 0
  rest' = 0
  neural f(x[%d]) -> [%d] { hidden: [%d, %d], activation: tanh }
  observe out[%d] = f(a) ~ normal(1)
}

data batch from "layers.csv" {
  time: t
  trajectory: run
  a: [%s]
  out: [%s]
}

fit { gradient: unrolled }
`

// task is the loss of the network over the batch.
func (n layers) task(l *Lab, precision string, workers int) (*task, error) {
	a, out := columns("a", n.in), columns("p", n.out)
	text := fmt.Sprintf(layersText, n.in, n.in, n.out, n.hidden, n.hidden, n.out, a, out)
	m, err := l.parse("layers", text, n.table(a, out))
	if err == nil {
		err = m.Set("fit.precision", precision, "the benchmark")
	}
	if err != nil {
		return nil, err
	}
	return newTask(m, workers)
}

// gradient times the value and gradient of the network's loss over the batch.
func (n layers) gradient(precision string, workers int) Timer {
	return func(l *Lab) (sampler, error) {
		t, err := n.task(l, precision, workers)
		if err != nil {
			return nil, err
		}
		return batched(t.gradient), nil
	}
}

// columns are the names of n of them.
func columns(name string, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprint(name, i)
	}
	return strings.Join(list, ", ")
}

// table has a trajectory without length for each row.
func (n layers) table(a, out string) string {
	rng := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	fmt.Fprintf(&b, "run,t,%s,%s\n", a, out)
	for i := range n.rows {
		fmt.Fprintf(&b, "%d,0", i)
		for range n.in + n.out {
			fmt.Fprintf(&b, ",%.6f", rng.NormFloat64())
		}
		b.WriteString("\n")
	}
	return b.String()
}

// peers do the same with JAX and torch.
func (n layers) peers(precision string, threads int) []Baseline {
	work := fmt.Sprintf("%d,%d,%d,%d,%s,%d", n.in, n.hidden, n.out, n.rows, precision, threads)
	return []Baseline{&Peer{"JAX", "jax", work}, &Peer{"torch", "torch", work}}
}

// layersRow is a row of such a network.
func layersRow(name string, n layers, precision string, workers int, why string) *Row {
	kind, where := "", ""
	if precision == "f32" {
		kind = " in single precision"
	}
	work := n.gradient(precision, workers)
	if workers > 1 {
		where, work = fmt.Sprintf(", on %d cores", workers), cores(workers, work)
	}
	return &Row{
		Name: name, Unit: "ms", Bar: Bar{0.9, Ratio}, Why: why, Work: work, Baselines: n.peers(precision, workers),
		Doc: fmt.Sprintf("value and gradient of a %s network%s, batch %d%s", n, kind, n.rows, where),
	}
}

var (
	large = layers{64, 512, 64, 256}
	broad = layers{16, 1024, 16, 32}
	units = []int{8, 16, 32, 64, 128, 256, 512, 1024, 2048}
)

// layersRows are those of large networks.
func layersRows() []*Row {
	return []*Row{
		layersRow("large", large, "f64", 1, "products are nine tenths. With its factors in the nearer caches a product runs at 92 % of two multiply–adds a cycle, and the gradient by the weights at 78 %: each tile of it reads and writes 48 numbers of a matrix that stands in the third-level cache for 128 products. Weights are turned to panels once an evaluation, 3 %."),
		layersRow("large_single", large, "f32", 1, "three quarters are products, at 93 % of two multiply–adds of eight numbers a cycle, and the gradient by the weights, at 77 %: its sums join doubles, twice as many bytes as it has numbers. A twentieth makes panels of the weights, which are doubles, a twentieth computes activations and their derivatives, a twentieth copies factors for the gradient, a twentieth is what trajectories cost beside the network."),
		layersRow("large_2", large, "f64", 2, "two chunks of 128 rows, each with a gradient of its own where it is not its turn to add to the result; both cores have panels of their own."),
		layersRow("large_single_2", large, "f32", 2, ""),
		layersRow("broad", broad, "f64", 1, "32 rows read 8 MB of weights twice and write as large a gradient: a fifth makes panels of a part of them, at the speed of the third-level cache and of memory, each used by one product only."),
		layersRow("broad_single", broad, "f32", 1, ""),
	}
}

// layersGrowths are how networks grow with their width.
func layersGrowths() (list []*Growth) {
	const why = "up to some 32 units the 256 trajectories cost more than their network; from 128 on matrices go by panels; those of 2048 units are read from memory."
	for _, k := range []struct {
		name, doc, precision string
		cores                int
	}{
		{"width", "value and gradient of a network with two hidden layers, 16 inputs and outputs, batch 256", "f64", 1},
		{"width_single", "the same in single precision", "f32", 1},
		{"width_2", "the same in double precision, on two cores", "f64", 2},
		{"width_single_2", "the same in single precision, on two cores", "f32", 2},
	} {
		list = append(list, &Growth{
			Name: k.name, By: "units", Unit: "µs", Sizes: units, Doc: k.doc, Why: why,
			Amount: func(w int) float64 { return float64(w*w + 2*16*w) }, // weights
			Work:   func(w int) Timer { return cores(k.cores, layers{16, w, 16, 256}.gradient(k.precision, k.cores)) },
		})
	}
	return list
}
