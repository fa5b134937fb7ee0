package scalar

type Function struct {
	Name  string
	Build func(p *Program, x Value) Value
}

var Functions []Function
