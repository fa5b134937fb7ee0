package pinode

import (
	"fmt"
	"os"
	"testing"

	"github.com/pinode/pinode/compiler/exec"
)

func TestZZ(t *testing.T) {
	d := t.TempDir()
	b, _ := os.ReadFile("bench/models/network.node")
	os.WriteFile(d+"/network.csv", []byte("run,t,a,b,p,q\n1,0,1,1,1,1\n"), 0o644)
	m, err := Parse(d+"/network.node", string(b))
	if err != nil {
		t.Fatal(err)
	}
	mod, err := m.prog.Rows(8, exec.Single)
	fmt.Println(mod.Program("row.vjp"), err)
}
