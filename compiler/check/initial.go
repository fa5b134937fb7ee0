package check

// Initial values that depend on each other.

// initials replaces states and discrete variables in initial values by theirs.
func (e *motions) initials() {
	in := &initials{e: e, done: map[Object]bool{}}
	for _, x := range e.order {
		switch x.obj.(type) {
		case *State, *Discrete:
			in.close(x.obj)
		}
	}
}

type initials struct {
	e      *motions
	done   map[Object]bool
	active []Object
	failed bool
}

// initialOf is where the initial value of a state or discrete variable stands; nil for
// anything else.
func initialOf(o Object) **Expr {
	switch o := o.(type) {
	case *State:
		return &o.Init
	case *Discrete:
		return &o.Init
	}
	return nil
}

// close makes an initial value one that depends on no other.
func (in *initials) close(o Object) {
	if in.done[o] || in.failed {
		return
	}
	for _, a := range in.active {
		if a == o {
			in.failed = true
			in.e.errInitialCycle(in.active, o)
			return
		}
	}
	in.active = append(in.active, o)
	at := initialOf(o)
	*at = in.replaced(*at)
	in.active = in.active[:len(in.active)-1]
	in.done[o] = true
}

// replaced is an expression with initial values in the place of what they are of.
func (in *initials) replaced(x *Expr) *Expr {
	if x == nil || readsOf(x)&(readsState|readsDiscrete) == 0 || in.failed {
		return x
	}
	if x.Kind == Ref {
		if l, ok := x.Object.(*Let); ok {
			return in.replaced(l.Value)
		}
		if initialOf(x.Object) != nil {
			in.close(x.Object)
			return *initialOf(x.Object)
		}
	}
	c := *x
	c.Args = make([]*Expr, len(x.Args))
	for i, a := range x.Args {
		c.Args[i] = in.replaced(a)
	}
	c.Body = in.replaced(x.Body)
	return &c
}
