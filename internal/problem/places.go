package problem

import (
	"fmt"
	"slices"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/data"
)

// placed checks that rows which measure a field say where, inside of the domain, and takes what
// says so out of the count of measured values.
func (it *Trajectory) placed(p *compiler.Program, file string) error {
	for _, c := range p.Checked.Model.Coordinates {
		if c.Row == nil {
			continue
		}
		at := ObserveOffset(p, c.Row)
		for i := range it.Rows {
			r := it.Rows[i]
			if r.Seen()[at] != 0 {
				r.Recount(r.Values()-1, r.Counted())
				if v := r.Data()[at]; !(v >= c.Lo && v <= c.Hi) {
					return &data.Error{File: file, Line: r.Line(), Text: fmt.Sprintf("%s = %g is outside of the domain, which goes from %g to %g", c.Name, v, c.Lo, c.Hi)}
				}
				continue
			}
			for _, s := range p.Model.Layout.Observes {
				o := s.Object.(*check.Observe)
				if o.Value.Kind == check.Place && slices.Contains(o.Value.Over, c) && o.Value.Args[1].Kind == check.DataOf && slices.Contains(r.Seen()[s.Off:s.Off+s.N], 1) {
					return &data.Error{File: file, Line: r.Line(), Text: fmt.Sprintf("`%s` is measured here, and the row does not say at which `%s`", o.Name, c.Name), Help: fmt.Sprintf("map the coordinate to a column: `%s: column`", c.Name)}
				}
			}
		}
	}
	return nil
}
