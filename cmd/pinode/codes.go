package main

import (
	"github.com/pinode/pinode/internal/codes"
	"github.com/pinode/pinode/internal/diag"
)

// explained are all documented diagnostics, and the ways a run can end, by name.
func explained() map[string]diag.Code {
	out := map[string]diag.Code{}
	for _, c := range codes.All() {
		out[c.Name] = c
	}
	return out
}
