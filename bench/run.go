package bench

import (
	"context"
	"fmt"

	"github.com/pinode/pinode/dsl/diag"
)

// Select returns the rows of the given names, in the order of the list; all
// without names.
func Select(names []string) ([]*Row, error) {
	return named(Rows, names, "row", func(r *Row) string { return r.Name })
}

// SelectGrowths is Select for what Scaling measures.
func SelectGrowths(names []string) ([]*Growth, error) {
	return named(Growths, names, "table", func(g *Growth) string { return g.Name })
}

func named[T any](all []T, names []string, what string, name func(T) string) ([]T, error) {
	if len(names) == 0 {
		return all, nil
	}
	wanted := map[string]bool{}
	for _, n := range names {
		wanted[n] = true
	}
	var out []T
	var known []string
	for _, r := range all {
		known = append(known, name(r))
		if wanted[name(r)] {
			out = append(out, r)
			delete(wanted, name(r))
		}
	}
	for _, n := range names {
		if wanted[n] {
			if near, ok := diag.Nearest(n, known); ok {
				return nil, fmt.Errorf("there is no %s `%s`; did you mean `%s`?", what, n, near)
			}
			return nil, fmt.Errorf("there is no %s `%s`", what, n)
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
