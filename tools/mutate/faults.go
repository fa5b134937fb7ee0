package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
)

// A Fault is one small change of the source.
type Fault struct {
	Package string `json:"package"` // directory, as in the import path
	File    string `json:"file"`    // relative to the root of the module
	Line    int    `json:"line"`
	Func    string `json:"func"` // the declaration around it, as (*T).Method
	Kind    string `json:"kind"`
	Before  string `json:"before"` // the changed lines, blanks collapsed
	After   string `json:"after"`

	from, to int // bytes of the file that give way
	text     string
	body     *body // around it, nil outside of functions
}

// body is the inside of a function's braces.
type body struct {
	from, to int
	line     int    // of from
	results  string // their types, as they are written
}

// key is what a fault is known by when lines have moved.
func (f *Fault) key() string {
	return fmt.Sprintf("%s %s: %s => %s", f.File, f.Func, f.Before, f.After)
}

// A site is a place in the source with the faults that may be put there.
type site []Fault

// source is one file as the finder of faults sees it.
type source struct {
	pkg, file string
	text      []byte
	fset      *token.FileSet
	tree      *ast.File
	parents   []ast.Node
	sites     []site
	fun       string
	body      *body
}

// sitesOf lists the sites of a file in their order.
func sitesOf(pkg, file string, text []byte) ([]site, error) {
	s := &source{pkg: pkg, file: filepath.ToSlash(file), text: text, fset: token.NewFileSet()}
	var err error
	if s.tree, err = parser.ParseFile(s.fset, file, text, parser.ParseComments|parser.SkipObjectResolution); err != nil {
		return nil, err
	}
	if ast.IsGenerated(s.tree) {
		return nil, nil
	}
	for _, d := range s.tree.Decls {
		s.fun, s.body = nameOf(d), nil
		ast.Inspect(d, func(n ast.Node) bool {
			if n == nil {
				last := len(s.parents) - 1
				if s.body != nil && s.offset(s.parents[last].End()) == s.body.to+1 {
					if _, ok := s.parents[last].(*ast.BlockStmt); ok {
						s.body = nil
					}
				}
				s.parents = s.parents[:last]
				return false
			}
			if s.skip(n) {
				return false
			}
			s.enter(n)
			if faults := s.faults(n); len(faults) > 0 {
				s.sites = append(s.sites, faults)
			}
			s.parents = append(s.parents, n)
			return true
		})
	}
	return s.sites, nil
}

// enter notes the body of the outermost function around what follows.
func (s *source) enter(n ast.Node) {
	var block *ast.BlockStmt
	var t *ast.FuncType
	switch n := n.(type) {
	case *ast.FuncDecl:
		block, t = n.Body, n.Type
	case *ast.FuncLit:
		block, t = n.Body, n.Type
	}
	if block == nil || s.body != nil {
		return
	}
	s.body = &body{
		from: s.offset(block.Lbrace) + 1, to: s.offset(block.Rbrace),
		line: s.fset.Position(block.Lbrace).Line,
	}
	if t.Results != nil {
		s.body.results = s.at(t.Results)
	}
}

func nameOf(d ast.Decl) string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil || len(d.Recv.List) == 0 {
			return d.Name.Name
		}
		r := d.Recv.List[0].Type
		star := ""
		if p, ok := r.(*ast.StarExpr); ok {
			star, r = "*", p.X
		}
		switch g := r.(type) {
		case *ast.IndexExpr:
			r = g.X
		case *ast.IndexListExpr:
			r = g.X
		}
		return fmt.Sprintf("(%s%s).%s", star, r, d.Name.Name)
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				return spec.Names[0].Name
			case *ast.TypeSpec:
				return spec.Name.Name
			}
		}
	}
	return "-"
}

// skip tells whether nothing below the node is worth a fault: types, imports,
// tags, broken invariants, and capacities, which change no result.
func (s *source) skip(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ImportSpec, *ast.ArrayType, *ast.StructType, *ast.FuncType, *ast.InterfaceType, *ast.MapType, *ast.CommentGroup:
		return true
	case *ast.CallExpr:
		if callee(n) == "panic" || callee(n) == "slices.Grow" {
			return true
		}
	}
	call, ok := s.parent().(*ast.CallExpr)
	if !ok || callee(call) != "make" || len(call.Args) == 0 {
		return false
	}
	_, isMap := call.Args[0].(*ast.MapType)
	return len(call.Args) == 3 && n == call.Args[2] || len(call.Args) == 2 && isMap && n == call.Args[1]
}

func (s *source) parent() ast.Node {
	if len(s.parents) == 0 {
		return nil
	}
	return s.parents[len(s.parents)-1]
}

// callee is the name of a called function as it is written.
func callee(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok {
			return x.Name + "." + f.Sel.Name
		}
	}
	return ""
}

// swaps are the operators that take the place of another.
var swaps = map[token.Token][]token.Token{
	token.LSS: {token.LEQ, token.GEQ}, token.LEQ: {token.LSS, token.GTR},
	token.GTR: {token.GEQ, token.LEQ}, token.GEQ: {token.GTR, token.LSS},
	token.EQL: {token.NEQ}, token.NEQ: {token.EQL},
	token.ADD: {token.SUB}, token.SUB: {token.ADD}, token.MUL: {token.QUO}, token.QUO: {token.MUL}, token.REM: {token.QUO},
	token.LAND: {token.LOR}, token.LOR: {token.LAND},
	token.AND: {token.OR}, token.OR: {token.AND}, token.SHL: {token.SHR}, token.SHR: {token.SHL},
	token.ADD_ASSIGN: {token.SUB_ASSIGN, token.ASSIGN}, token.SUB_ASSIGN: {token.ADD_ASSIGN, token.ASSIGN},
	token.MUL_ASSIGN: {token.QUO_ASSIGN, token.ASSIGN}, token.QUO_ASSIGN: {token.MUL_ASSIGN, token.ASSIGN},
	token.OR_ASSIGN: {token.ASSIGN}, token.AND_ASSIGN: {token.ASSIGN}, token.XOR_ASSIGN: {token.ASSIGN},
	token.INC: {token.DEC}, token.DEC: {token.INC},
}

// opposite functions are put for one another.
var opposite = map[string]string{
	"min": "max", "max": "min", "math.Min": "math.Max", "math.Max": "math.Min",
	"math.Sin": "math.Cos", "math.Cos": "math.Sin", "math.Floor": "math.Ceil", "math.Ceil": "math.Floor",
	"slices.Min": "slices.Max", "slices.Max": "slices.Min",
}

// dropped functions leave their argument.
var dropped = map[string]bool{
	"math.Sqrt": true, "math.Abs": true, "math.Exp": true, "math.Log": true, "math.Expm1": true, "math.Log1p": true,
	"math.Tanh": true, "math.Trunc": true, "slices.Clone": true, "norm2": true, "strings.TrimSpace": true, "strings.ToLower": true,
}

// unordered functions do not care for the order of their arguments, or do not
// compile with another.
var unordered = map[string]bool{
	"make": true, "append": true, "slices.Equal": true, "maps.Equal": true, "bytes.Equal": true, "math.Hypot": true,
	"reflect.DeepEqual": true, "strings.EqualFold": true, "errors.Join": true,
}

// commutes are the names of methods that do not either: those that build the
// nodes of a graph.
var commutes = map[string]bool{"Add": true, "Mul": true, "Dot": true, "add": true, "mul": true, "addf": true, "mulf": true, "min": true, "max": true, "and": true}

// method is the name of a called method, or "".
func method(call *ast.CallExpr) string {
	if f, ok := call.Fun.(*ast.SelectorExpr); ok {
		return f.Sel.Name
	}
	return ""
}

// faults are those that may be put at a node.
func (s *source) faults(n ast.Node) (list site) {
	add := func(kind string, from, to token.Pos, text string) {
		list = append(list, s.fault(kind, from, to, text))
	}
	switch n := n.(type) {
	case *ast.BinaryExpr:
		for _, op := range swaps[n.Op] {
			add("operator", n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), op.String())
		}
		switch n.Op {
		case token.ADD, token.SUB, token.MUL, token.QUO, token.LAND, token.LOR:
			add("term", n.Pos(), n.End(), s.at(n.X))
			if n.Op != token.QUO && n.Op != token.SUB {
				add("term", n.Pos(), n.End(), s.at(n.Y))
			}
		}
		call, inCall := s.parent().(*ast.CallExpr)
		distance := n.Op == token.SUB && inCall && callee(call) == "math.Abs" // has no sign
		if n.Op == token.SUB && !distance || n.Op == token.QUO {
			add("swap", n.Pos(), n.End(), fmt.Sprintf("(%s) %s (%s)", s.at(n.Y), n.Op, s.at(n.X)))
		}
	case *ast.UnaryExpr:
		if n.Op == token.SUB || n.Op == token.NOT {
			add("sign", n.OpPos, n.X.Pos(), "")
		}
	case *ast.AssignStmt:
		for _, op := range swaps[n.Tok] {
			add("operator", n.TokPos, n.TokPos+token.Pos(len(n.Tok.String())), op.String())
		}
		if n.Tok != token.DEFINE && s.inBlock() {
			add("statement", n.Pos(), n.End(), "")
		}
	case *ast.IncDecStmt:
		for _, op := range swaps[n.Tok] {
			add("operator", n.TokPos, n.TokPos+2, op.String())
		}
		if s.inBlock() {
			add("statement", n.Pos(), n.End(), "")
		}
	case *ast.ExprStmt:
		if call, ok := n.X.(*ast.CallExpr); ok && callee(call) == "panic" {
			break
		}
		add("statement", n.Pos(), n.End(), "")
	case *ast.BranchStmt:
		if n.Tok != token.FALLTHROUGH {
			add("statement", n.Pos(), n.End(), "")
		}
	case *ast.IfStmt:
		add("condition", n.Cond.Pos(), n.Cond.End(), "!("+s.at(n.Cond)+")")
		if n.Else == nil && s.inBlock() {
			add("condition", n.Cond.Pos(), n.Cond.End(), "false && ("+s.at(n.Cond)+")")
		}
	case *ast.ForStmt:
		add("loop", n.Body.Lbrace+1, n.Body.Lbrace+1, " break;")
	case *ast.RangeStmt:
		add("loop", n.Body.Lbrace+1, n.Body.Lbrace+1, " break;")
	case *ast.ReturnStmt:
		if len(n.Results) > 0 {
			last := n.Results[len(n.Results)-1]
			if id, ok := last.(*ast.Ident); ok && id.Name == "err" {
				add("error", last.Pos(), last.End(), "nil")
			}
		}
	case *ast.BasicLit:
		switch n.Kind {
		case token.INT, token.FLOAT:
			add("constant", n.Pos(), n.End(), "("+n.Value+" + 1)")
			add("constant", n.Pos(), n.End(), "("+n.Value+" - 1)")
		}
	case *ast.Ident:
		switch n.Name {
		case "true":
			add("constant", n.Pos(), n.End(), "false")
		case "false":
			add("constant", n.Pos(), n.End(), "true")
		}
	case *ast.CallExpr:
		if other := opposite[callee(n)]; other != "" {
			add("function", n.Fun.Pos(), n.Fun.End(), other)
		}
		if dropped[callee(n)] && len(n.Args) == 1 {
			add("function", n.Pos(), n.End(), "("+s.at(n.Args[0])+")")
		}
		if len(n.Args) == 2 && opposite[callee(n)] == "" && !unordered[callee(n)] && !commutes[method(n)] {
			if a, b := s.at(n.Args[0]), s.at(n.Args[1]); a != b {
				add("swap", n.Args[0].Pos(), n.Args[1].End(), b+", "+a)
			}
		}
	case *ast.FuncDecl:
		if n.Body != nil && len(n.Body.List) > 0 {
			if text, ok := s.early(n.Type); ok {
				add("return", n.Body.Lbrace+1, n.Body.Lbrace+1, text)
			}
		}
	}
	return list
}

// inBlock tells whether the statement stands alone, not in the head of another.
func (s *source) inBlock() bool {
	switch s.parent().(type) {
	case *ast.BlockStmt, *ast.CaseClause, *ast.CommClause:
		return true
	}
	return false
}

// early is a return of zeros at the head of a function.
func (s *source) early(t *ast.FuncType) (string, bool) {
	if t.Results == nil {
		return " return;", true
	}
	var zeros []string
	for _, f := range t.Results.List {
		if len(f.Names) > 0 {
			return " return;", true
		}
		zeros = append(zeros, "*new("+s.at(f.Type)+")")
	}
	return " return " + strings.Join(zeros, ", ") + ";", true
}

func (s *source) at(n ast.Node) string {
	return string(s.text[s.offset(n.Pos()):s.offset(n.End())])
}

func (s *source) offset(p token.Pos) int { return s.fset.Position(p).Offset }

// longest is how much of the changed lines is kept to tell a fault by.
const longest = 160

func (s *source) fault(kind string, from, to token.Pos, text string) Fault {
	f := Fault{
		Package: s.pkg, File: s.file, Func: s.fun, Kind: kind,
		Line: s.fset.Position(from).Line,
		from: s.offset(from), to: s.offset(to), text: text,
	}
	if s.body != nil && s.body.from <= f.from && f.to <= s.body.to {
		f.body = s.body
	}
	start := strings.LastIndexByte(string(s.text[:f.from]), '\n') + 1
	end := f.to
	if i := strings.IndexByte(string(s.text[f.to:]), '\n'); i >= 0 {
		end += i
	} else {
		end = len(s.text)
	}
	brief := func(parts ...string) string {
		line := []rune(strings.Join(strings.Fields(strings.Join(parts, "")), " "))
		if len(line) > longest {
			line = append(line[:longest], '…')
		}
		return string(line)
	}
	f.Before = brief(string(s.text[start:end]))
	f.After = brief(string(s.text[start:f.from]), text, string(s.text[f.to:end]))
	if f.Before == f.After { // beyond what is kept
		f.After = brief(text, "…")
	}
	if f.After == "" {
		f.After = "(nothing)"
	}
	return f
}

// apply is the file with the fault in it.
func (f *Fault) apply(text []byte) []byte {
	out := append([]byte(nil), text[:f.from]...)
	out = append(out, f.text...)
	return append(out, text[f.to:]...)
}
