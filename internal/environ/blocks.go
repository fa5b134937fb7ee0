package environ

import (
	"fmt"
	"strings"
	"sync"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/internal/setting"
)

// Blocks are the settings of the fit and simulate blocks of a model, which may be replaced
// while others read them.
type Blocks struct {
	changing      sync.Mutex // held to read or to replace them
	fit, simulate *setting.Values
}

// NewBlocks are those that a model file has.
func NewBlocks(p *check.Program) *Blocks {
	b := &Blocks{}
	b.fit, b.simulate = Settings(p)
	return b
}

// Values are the settings as they are now; nobody changes these.
func (b *Blocks) Values() (fit, simulate *setting.Values) {
	b.changing.Lock()
	defer b.changing.Unlock()
	return b.fit, b.simulate
}

// Set changes a setting by its dotted name, as in `fit.optimizer.lr`.
func (b *Blocks) Set(path, value, origin string) error {
	block, rest, _ := strings.Cut(path, ".")
	if (block != "fit" && block != "simulate") || rest == "" {
		return fmt.Errorf("settings start with `fit.` or `simulate.`, not `%s`", path)
	}
	return b.change(block, func(v *setting.Values) error { return v.Set(rest, value, origin) })
}

// SetTree changes settings by nested maps, with `fit` and `simulate` on top.
func (b *Blocks) SetTree(tree map[string]any, origin string) error {
	for key, v := range tree {
		if key != "fit" && key != "simulate" {
			if err := b.Set(key, fmt.Sprint(v), origin); err != nil {
				return err
			}
			continue
		}
		sub, ok := v.(map[string]any)
		if !ok {
			return fmt.Errorf("`%s` holds settings, not `%v`", key, v)
		}
		if err := b.change(key, func(v *setting.Values) error { return v.SetTree(sub, origin) }); err != nil {
			return err
		}
	}
	return nil
}

func (b *Blocks) change(block string, f func(v *setting.Values) error) error {
	b.changing.Lock()
	defer b.changing.Unlock()
	to := &b.fit
	if block == "simulate" {
		to = &b.simulate
	}
	v := (*to).Clone()
	if err := f(v); err != nil {
		return err
	}
	*to = v
	return nil
}

// Tree are settings as nested maps.
func Tree(fit, simulate *setting.Values) map[string]any {
	return map[string]any{"fit": fit.Tree(), "simulate": simulate.Tree()}
}
