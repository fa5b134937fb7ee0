package sparse

import "slices"

// order is an order of elimination that keeps the fill of a matrix with the pattern of
// p and its transpose small: that of approximate minimum degree.
//
// P.R. Amestoy, T.A. Davis, I.S. Duff, SIAM J. Matrix Anal. Appl. 17, 886–905, 1996.
//
// Variables that were eliminated are elements: each stands for the clique that its
// elimination made of its neighbours. Variables with the same neighbours are one, which
// weighs as many.
func order(p *Pattern) []int32 {
	g := newQuotient(p)
	for left := g.n; left > 0; {
		e := g.pop()
		left -= int(g.weight[e])
		g.eliminate(e)
	}
	return g.order
}

// quotient is the graph of what is left to eliminate.
type quotient struct {
	n        int
	vars     [][]int32 // of each variable, its neighbours
	elems    [][]int32 // of each variable, the elements that it is in; of each element its members
	weight   []int32   // of a variable, how many it stands for; 0: it is part of another
	degree   []int32   // of a variable, about how many neighbours it has
	size     []int32   // of an element, the weight of its members
	gone     []bool    // eliminated
	absorbed []bool    // elements that are part of a newer one
	parts    [][]int32 // variables that one stands for, besides itself
	order    []int32

	// Variables by degree: doubly linked lists.
	head, next, prev []int32
	least            int32

	mark  []int32 // of an element, its weight outside of the newest one, plus stamp
	seen  []int32
	stamp int32
}

func newQuotient(p *Pattern) *quotient {
	n := p.N()
	g := &quotient{
		n: n, vars: make([][]int32, n), elems: make([][]int32, n), weight: make([]int32, n), degree: make([]int32, n), size: make([]int32, n),
		gone: make([]bool, n), absorbed: make([]bool, n), parts: make([][]int32, n),
		head: make([]int32, n+1), next: make([]int32, n), prev: make([]int32, n), mark: make([]int32, n), seen: make([]int32, n),
	}
	for i := range n {
		for _, j := range p.Row(i) {
			if int(j) != i {
				g.vars[i] = append(g.vars[i], j)
				g.vars[j] = append(g.vars[j], int32(i))
			}
		}
	}
	for i := range g.head {
		g.head[i] = -1
	}
	for i := range n {
		slices.Sort(g.vars[i])
		g.vars[i] = slices.Compact(g.vars[i])
		g.weight[i], g.degree[i] = 1, int32(len(g.vars[i]))
	}
	for i := n - 1; i >= 0; i-- {
		g.push(int32(i))
	}
	return g
}

// push puts a variable into the list of its degree.
func (g *quotient) push(i int32) {
	d := g.degree[i]
	g.next[i], g.prev[i] = g.head[d], -1
	if h := g.head[d]; h >= 0 {
		g.prev[h] = i
	}
	g.head[d] = i
	g.least = min(g.least, d)
}

// drop takes a variable out of the list of its degree.
func (g *quotient) drop(i int32) {
	if g.prev[i] >= 0 {
		g.next[g.prev[i]] = g.next[i]
	} else {
		g.head[g.degree[i]] = g.next[i]
	}
	if g.next[i] >= 0 {
		g.prev[g.next[i]] = g.prev[i]
	}
}

// pop takes out a variable of the least degree.
func (g *quotient) pop() int32 {
	for g.head[g.least] < 0 {
		g.least++
	}
	i := g.head[g.least]
	g.drop(i)
	return i
}

// eliminate makes variable e an element.
func (g *quotient) eliminate(e int32) {
	g.gone[e] = true
	g.order = append(append(g.order, e), g.parts[e]...)
	g.stamp++
	g.seen[e] = g.stamp
	var members []int32
	add := func(list []int32) {
		for _, i := range list {
			if g.weight[i] > 0 && !g.gone[i] && g.seen[i] != g.stamp {
				g.seen[i] = g.stamp
				members = append(members, i)
			}
		}
	}
	add(g.vars[e])
	for _, x := range g.elems[e] {
		if !g.absorbed[x] {
			add(g.elems[x])
			g.absorbed[x], g.elems[x] = true, nil
		}
	}
	g.vars[e], g.elems[e] = nil, members
	g.size[e] = g.weigh(members)
	g.outside(members)
	for _, i := range members {
		g.drop(i)
		g.update(i, e)
	}
	g.merge(members)
	for _, i := range members {
		if g.weight[i] > 0 {
			g.push(i)
		}
	}
}

func (g *quotient) weigh(list []int32) (sum int32) {
	for _, i := range list {
		sum += g.weight[i]
	}
	return sum
}

// outside sets in mark what of each element with members in the newest one lies
// outside of it.
func (g *quotient) outside(members []int32) {
	for _, i := range members {
		for _, x := range g.elems[i] {
			g.mark[x] = g.size[x]
		}
	}
	for _, i := range members {
		for _, x := range g.elems[i] {
			if !g.absorbed[x] {
				g.mark[x] -= g.weight[i]
			}
		}
	}
}

// update makes variable i one of element e, and bounds its degree. Elements that lie
// within e are absorbed.
func (g *quotient) update(i, e int32) {
	list := g.elems[i][:0]
	degree := g.size[e] - g.weight[i]
	for _, x := range g.elems[i] {
		switch {
		case g.absorbed[x]:
		case g.mark[x] <= 0:
			g.absorbed[x], g.elems[x] = true, nil
		default:
			list = append(list, x)
			degree += g.mark[x]
		}
	}
	g.elems[i] = append(list, e)
	rest := g.vars[i][:0]
	for _, j := range g.vars[i] { // those in e are reached through it
		if g.weight[j] > 0 && !g.gone[j] && g.seen[j] != g.stamp {
			rest = append(rest, j)
			degree += g.weight[j]
		}
	}
	g.vars[i] = rest
	left := int32(g.n-len(g.order)) - g.weight[i]
	g.degree[i] = max(0, min(degree, left, g.degree[i]+g.size[e]-g.weight[i]))
}

// merge makes variables of the newest element that cannot be told apart one.
func (g *quotient) merge(members []int32) {
	same := map[uint64][]int32{}
	for _, i := range members {
		hash := uint64(len(g.vars[i]))<<32 + uint64(len(g.elems[i]))
		for _, j := range g.vars[i] {
			hash += uint64(j) * 0x9e3779b97f4a7c15
		}
		for _, x := range g.elems[i] {
			hash += uint64(x) * 0xd1b54a32d192ed03
		}
		for _, k := range same[hash] {
			if g.alike(i, k) {
				g.parts[k] = append(append(g.parts[k], i), g.parts[i]...)
				g.weight[k] += g.weight[i]
				g.degree[k] -= g.weight[i]
				g.weight[i], g.vars[i], g.elems[i], g.parts[i] = 0, nil, nil, nil
				break
			}
		}
		if g.weight[i] > 0 {
			same[hash] = append(same[hash], i)
		}
	}
}

// alike reports whether two variables of one element have the same neighbours.
func (g *quotient) alike(i, k int32) bool {
	equal := func(a, b []int32) bool {
		if len(a) != len(b) {
			return false
		}
		slices.Sort(a)
		slices.Sort(b)
		return slices.Equal(a, b)
	}
	return equal(g.vars[i], g.vars[k]) && equal(g.elems[i], g.elems[k])
}
