package pinode

import (
	"cmp"
	"context"

	"github.com/pinode/pinode/distill"
	engine "github.com/pinode/pinode/internal/distill"
	"github.com/pinode/pinode/internal/problem"
)

// Distillation is what became of the learned blocks of a model: see docs/distill.md.
type (
	Distillation   = distill.Result
	DistillOptions = distill.Options
)

// Distill looks for formulas of learned blocks of the model as it is at a fit or run.
func (m *Model) Distill(ctx context.Context, at Point, o DistillOptions) (*Distillation, error) {
	v, err := valuesAt(m, at, nil)
	if err != nil {
		return nil, err
	}
	settings, _ := m.blocks.Values()
	r, err := engine.Distill(ctx, &engine.Source{Prog: m.prog, Data: m.data, Settings: settings, Values: cmp.Or(v, &problem.Values{})}, o)
	return r, public(err)
}
