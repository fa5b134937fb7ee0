package distill

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
)

// structure are the terms of each element of a block's result, by their places in the library.
type structure [][]int

func (s structure) clone() structure {
	out := make(structure, len(s))
	for i := range s {
		out[i] = slices.Clone(s[i])
	}
	return out
}

// size is how many terms it has.
func (s structure) size() (n int) {
	for _, terms := range s {
		n += len(terms)
	}
	return n
}

// key tells structures apart.
func (s structure) key() string { return fmt.Sprint([][]int(s)) }

// site is where a block is declared.
type site struct {
	block *check.Neural
	decl  *dsl.NeuralDecl
	text  string
	terms []term
	taken map[string]bool // names of the file
}

// newSite finds the declaration of a block of the main model.
func newSite(file *dsl.File, main string, block *check.Neural) (*site, error) {
	s := &site{block: block, text: file.Source.Text, taken: map[string]bool{}}
	for _, d := range file.Decls {
		m, ok := d.(*dsl.ModelDecl)
		if !ok || m.Name.Name != main {
			continue
		}
		for _, d := range m.Body {
			if n, ok := d.(*dsl.NeuralDecl); ok && n.Name.Name == block.Name {
				s.decl = n
			}
		}
	}
	if s.decl == nil {
		l := &diag.List{}
		l.Errorf("not-supported", block.Span, "the block `%s` is not declared in the model `%s` itself", block.Name, main).
			WithHelp("distil a run of the model that declares it")
		return nil, l.Err()
	}
	return s, nil
}

// coefficient is the name of the coefficient of a term of an element.
func (s *site) coefficient(element, k int) string {
	name := s.block.Name + "_" + strconv.Itoa(k+1)
	if s.block.Shape.Rank > 0 {
		name = s.block.Name + strconv.Itoa(element) + "_" + strconv.Itoa(k+1)
	}
	for strings.Contains(s.text, name) { // of something else
		name = "c_" + name
	}
	return name
}

// formula is the sum of an element's terms in the language.
func (s *site) formula(element int, terms []int) string {
	var parts []string
	for k, j := range terms {
		part := s.coefficient(element, k)
		if t := s.terms[j].text; t != "" {
			part += "*" + t
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return "0"
	}
	return strings.Join(parts, " + ")
}

// replaced is the file with a formula in the place of the block.
func (s *site) replaced(of structure, coefs [][]float64) string {
	var b strings.Builder
	for e, terms := range of {
		for k := range terms {
			fmt.Fprintf(&b, "param %s = %s\n  ", s.coefficient(e, k), strconv.FormatFloat(coefs[e][k], 'g', 8, 64))
		}
	}
	fmt.Fprintf(&b, "fn %s(", s.block.Name)
	for i, a := range s.decl.Args {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(a.Name.Name + typeText(a.Type))
	}
	b.WriteByte(')')
	if t := s.decl.Result; t.Dims != nil || t.Unit != nil {
		b.WriteString(" -> " + strings.TrimPrefix(typeText(t), ": "))
	}
	b.WriteString(" = " + s.body(of))
	at := s.decl.Span()
	return s.text[:at.Start] + b.String() + s.text[at.End:]
}

// body is the formula of all elements.
func (s *site) body(of structure) string {
	list := make([]string, len(of))
	for e, terms := range of {
		list[e] = s.formula(e, terms)
	}
	switch shape := s.block.Shape; shape.Rank {
	case 0:
		return list[0]
	case 1:
		return "[" + strings.Join(list, ", ") + "]"
	default:
		rows := make([]string, shape.M)
		for i := range rows {
			rows[i] = "[" + strings.Join(list[i*shape.N:(i+1)*shape.N], ", ") + "]"
		}
		return "[" + strings.Join(rows, ", ") + "]"
	}
}

// typeText is a type as it is written behind a name.
func typeText(t dsl.Type) string {
	var b strings.Builder
	if len(t.Dims) > 0 {
		dims := make([]string, len(t.Dims))
		for i, d := range t.Dims {
			dims[i] = dsl.FormatExpr(d)
		}
		b.WriteString("[" + strings.Join(dims, ", ") + "]")
	}
	if t.Unit != nil {
		b.WriteString(": " + t.Unit.Span().Text())
	}
	return b.String()
}

// Relocated is the text of a model file for another folder: the tables that it reads stay
// those that it read from its own.
func Relocated(path, text, dir string) string {
	file, diags := dsl.Parse(diag.NewSource(path, text))
	if diags.Err() != nil {
		return text
	}
	type place struct {
		at   diag.Span
		path string
	}
	var places []place
	for _, d := range file.Decls {
		if d, ok := d.(*dsl.ModelDecl); ok {
			for _, d := range d.Body {
				if c, ok := d.(*dsl.ConstDecl); ok && c.From != nil {
					places = append(places, place{c.From.Span(), c.From.Value})
				}
			}
		}
		if d, ok := d.(*dsl.DataDecl); ok {
			places = append(places, place{d.Path.Span(), d.Path.Value})
			for _, it := range d.Items {
				if it.File != nil {
					places = append(places, place{it.File.Span(), it.File.Value})
				}
			}
		}
	}
	for _, p := range slices.Backward(places) {
		if filepath.IsAbs(p.path) {
			continue
		}
		from, err1 := filepath.Abs(filepath.Join(filepath.Dir(path), p.path))
		to, err2 := filepath.Abs(dir)
		if err1 != nil || err2 != nil {
			continue
		}
		rel, err := filepath.Rel(to, from)
		if err != nil {
			rel = from
		}
		text = text[:p.at.Start] + strconv.Quote(filepath.ToSlash(rel)) + text[p.at.End:]
	}
	return text
}
