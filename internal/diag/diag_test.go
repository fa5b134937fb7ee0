package diag

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRender(t *testing.T) {
	src := NewSource("models/ball.node", "model Ball {\n  const g = 9.81 [m/s^2]\n  v' = -g + c*v\n\tθ' = ω + x\n}\n")
	span := func(text string) Span {
		i := strings.Index(src.Text, text)
		return Span{src, i, i + len(text)}
	}
	at := func(text, part string) Span {
		s := span(text)
		i := strings.Index(text, part)
		return Span{src, s.Start + i, s.Start + i + len(part)}
	}
	var l List
	l.Errorf("unit-mismatch", at("-g + c*v", "+"), "cannot add m/s to m/s^2").
		WithNote(at("-g + c*v", "-g"), "this has unit m/s^2").
		WithNote(at("-g + c*v", "c*v"), "this has unit m/s").
		WithNote(at("const g", "g"), "g: m/s^2").
		WithHelp("give the drag coefficient a unit")
	l.Warnf("odd", at("ω + x", "x"), "x is odd").WithNote(at("ω + x", "x"), "here")
	var b bytes.Buffer
	Render(&b, &l, Options{})
	require.Equal(t, `error[unit-mismatch]: cannot add m/s to m/s^2
  ┌─ models/ball.node:3:11
  │
2 │   const g = 9.81 [m/s^2]
  │         - g: m/s^2
3 │   v' = -g + c*v
  │        -- ^ --- this has unit m/s
  │        this has unit m/s^2
  = help: give the drag coefficient a unit

warning[odd]: x is odd
  ┌─ models/ball.node:4:11
  │
4 │     θ' = ω + x
  │              ^ here

1 error and 1 warning in models/ball.node
`, b.String())
	b.Reset()
	require.NoError(t, RenderJSON(&b, &l))
	require.Contains(t, b.String(), `"code": "unit-mismatch"`)
	b.Reset()
	Render(&b, &l, Options{Color: true})
	require.Contains(t, b.String(), "\x1b[1;31merror[unit-mismatch]\x1b[0m")
}

func TestNearest(t *testing.T) {
	for name, want := range map[string]string{"heigth": "height", "stat": "state", "alpha": "", "vx": "", "Pram": "param"} {
		got, _ := Nearest(name, []string{"height", "state", "param", "v"})
		require.Equal(t, want, got, name)
	}
}
