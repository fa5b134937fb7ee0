package problem

import (
	"fmt"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/fit"
)

// SlotKind says which input of the model a slot is in.
type SlotKind uint8

const (
	SharedSlot  SlotKind = iota // among the shared parameters
	OwnSlot                     // among what each trajectory has of its own
	InitialSlot                 // among the initial values of the states
)

// Slot is the place of a parameter, a covariate or the initial value of a state in
// the inputs of the model.
type Slot struct {
	Name string
	Kind SlotKind
	At   int
	in   *fit.Interval
}

// Check refuses a value that the slot may not have.
func (p *Slot) Check(v float64) error {
	if p.in != nil && !p.in.Contains(v) {
		return fmt.Errorf("%s = %g is outside of its interval %s", p.Name, v, p.in)
	}
	return nil
}

// Slot finds a parameter, a covariate or a state by its name.
func (sp *Space) Slot(name string) (Slot, error) {
	lay := &sp.Prog.Model.Layout
	for _, slot := range lay.Params {
		p := slot.Object.(*check.Param)
		for e := range slot.N {
			if lower.ElementName(&p.Obj, e) != name {
				continue
			}
			kind := SharedSlot
			if slot.PerKey {
				kind = OwnSlot
			}
			iv := intervalOf(p)
			return Slot{name, kind, slot.Off + e, &iv}, nil
		}
	}
	for _, slot := range lay.Trajectory {
		if slot.Kind != lower.FromCovariate {
			continue
		}
		for e := range slot.N {
			if lower.ElementName(slot.Object.Info(), e) == name {
				return Slot{name, OwnSlot, slot.Off + e, nil}, nil
			}
		}
	}
	for _, slot := range lay.States {
		for e := range slot.N {
			if lower.ElementName(slot.Object.Info(), e) == name {
				return Slot{name, InitialSlot, slot.Off + e, nil}, nil
			}
		}
	}
	return Slot{}, sp.unknown(name)
}
