package problem

import (
	"fmt"
	"slices"
	"strings"

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
	per  int // of a parameter that has a value for each key, for one of them: which it is, from 1; 0: for all
	key  int // the key
}

// Of reports whether a trajectory has the slot.
func (p *Slot) Of(it *Trajectory) bool { return p.per == 0 || it.Keys[p.per-1] == p.key }

// Check refuses a value that the slot may not have.
func (p *Slot) Check(v float64) error {
	if p.in != nil && !p.in.Contains(v) {
		return fmt.Errorf("%s = %g is outside of its interval %s", p.Name, v, p.in)
	}
	return nil
}

// Slot finds a parameter, that of a key, a covariate or a state by its name.
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
			return Slot{Name: name, Kind: kind, At: slot.Off + e, in: &iv}, nil
		}
	}
	for _, slot := range lay.Trajectory {
		if slot.Kind != lower.FromCovariate {
			continue
		}
		for e := range slot.N {
			if lower.ElementName(slot.Object.Info(), e) == name {
				return Slot{Name: name, Kind: OwnSlot, At: slot.Off + e}, nil
			}
		}
	}
	for _, slot := range lay.States {
		for e := range slot.N {
			if lower.ElementName(slot.Object.Info(), e) == name {
				return Slot{Name: name, Kind: InitialSlot, At: slot.Off + e}, nil
			}
		}
	}
	return slotOfKey(sp, name)
}

// slotOfKey finds the value of a parameter for one key, `k{site=a}`.
func slotOfKey(sp *Space, name string) (Slot, error) {
	of, key, _ := strings.Cut(strings.TrimSuffix(name, "}"), "{")
	per := 0
	for _, slot := range sp.Prog.Model.Layout.Params {
		if !slot.PerKey {
			continue
		}
		p := slot.Object.(*check.Param)
		for e := range slot.N {
			if at := slices.Index(sp.keys[per], key); at >= 0 && lower.ElementName(&p.Obj, e) == of {
				iv := intervalOf(p)
				return Slot{Name: name, Kind: OwnSlot, At: slot.Off + e, in: &iv, per: per + 1, key: at}, nil
			}
		}
		per++
	}
	return Slot{}, sp.unknown(name)
}
