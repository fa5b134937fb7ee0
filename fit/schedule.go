package fit

import "math"

// Schedule is the course of the learning rate over a stage. The zero value
// keeps it constant.
type Schedule struct {
	Shape     *Shape  // one of Shapes; nil is constant
	Final     float64 // cosine, exponential: fraction of the rate left at the end
	Factor    float64 // plateau: the rate is multiplied by this
	Patience  int     // plateau: after this many epochs without improvement
	Threshold float64 // plateau: relative improvement that counts
	// Warmup is the number of epochs over which the rate rises linearly from
	// 0, before the shape. P. Goyal et al., arXiv:1706.02677, section 2.2.
	Warmup int
}

// Shape is a kind of schedule.
type Shape struct {
	Name, Doc, Reference string

	// factor is the multiple of the rate when fraction u, in [0, 1], of the
	// stage is done.
	factor func(s *Schedule, u float64, p *plateau) float64
}

// Shapes lists the kinds of schedule.
var Shapes = []*Shape{Constant, Cosine, Exponential, Plateau}

// Constant keeps the rate.
var Constant = &Shape{
	Name:   "constant",
	Doc:    "the same rate throughout",
	factor: func(*Schedule, float64, *plateau) float64 { return 1 },
}

// Cosine lowers the rate along half a cosine, from 1 to Final.
var Cosine = &Shape{
	Name:      "cosine",
	Doc:       "falls along half a cosine to the fraction `final` at the end",
	Reference: "I. Loshchilov, F. Hutter, ICLR 2017, arXiv:1608.03983, equation 5, without restarts",
	factor: func(s *Schedule, u float64, _ *plateau) float64 {
		return s.Final + (1-s.Final)*(1+math.Cos(math.Pi*u))/2
	},
}

// Exponential lowers the rate by the same factor in every epoch: Finalᵘ.
var Exponential = &Shape{
	Name:   "exponential",
	Doc:    "falls by the same factor in every epoch, to the fraction `final` at the end",
	factor: func(s *Schedule, u float64, _ *plateau) float64 { return math.Pow(s.Final, u) },
}

// Plateau multiplies the rate by Factor whenever the score (validation loss,
// or else training loss) has not improved for Patience epochs.
var Plateau = &Shape{
	Name:   "plateau",
	Doc:    "is multiplied by `factor` when the loss has not improved for `patience` epochs",
	factor: func(_ *Schedule, _ float64, p *plateau) float64 { return p.Scale },
}

// plateau is the memory of the plateau schedule.
type plateau struct {
	Seen  bool    `json:"seen"`
	Best  float64 `json:"best"`
	Wait  int     `json:"wait"`
	Scale float64 `json:"scale"`
}

// observe takes the score of an epoch.
func (p *plateau) observe(s *Schedule, score float64) {
	if !p.Seen || score < p.Best-s.Threshold*math.Abs(p.Best) {
		p.Seen, p.Best, p.Wait = true, score, 0
		return
	}
	if p.Wait++; p.Wait > s.Patience {
		p.Scale *= s.Factor
		p.Wait = 0
	}
}

// factor is the multiple of the learning rate for step number batch (from 0)
// of batches in epoch number epoch (from 0) of epochs.
func (s *Schedule) factor(epoch, epochs, batch, batches int, p *plateau) float64 {
	done := float64(epoch) + float64(batch)/float64(batches)
	if epoch < s.Warmup {
		return (done + 1/float64(batches)) / float64(s.Warmup)
	}
	if s.Shape == nil {
		return 1
	}
	u := (done - float64(s.Warmup)) / float64(max(epochs-s.Warmup, 1))
	return s.Shape.factor(s, u, p)
}
