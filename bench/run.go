package bench

import (
	"context"
	"fmt"

	"github.com/pinode/pinode/dsl/diag"
)

// Select returns the rows of the given names, in the order of the list; all
// without names.
func Select(names []string) ([]*Row, error) {
	if len(names) == 0 {
		return Rows, nil
	}
	wanted := map[string]bool{}
	for _, n := range names {
		wanted[n] = true
	}
	var out []*Row
	var known []string
	for _, r := range Rows {
		known = append(known, r.Name)
		if wanted[r.Name] {
			out = append(out, r)
			delete(wanted, r.Name)
		}
	}
	for _, n := range names {
		if wanted[n] {
			if near, ok := diag.Nearest(n, known); ok {
				return nil, fmt.Errorf("there is no row `%s`; did you mean `%s`?", n, near)
			}
			return nil, fmt.Errorf("there is no row `%s`", n)
		}
	}
	return out, nil
}

// Run measures rows one after the other and tells done of each.
func Run(ctx context.Context, l *Lab, rows []*Row, done func(Result)) error {
	for _, r := range rows {
		res, err := r.Run(ctx, l)
		if err != nil {
			return fmt.Errorf("row %s: %w", r.Name, err)
		}
		done(res)
	}
	return nil
}
