package main

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/nn"
)

// TestLanguageNamesEverything: what a model may write stands in the page of the language: functions,
// distributions, activations and the options of neural blocks.
func TestLanguageNamesEverything(t *testing.T) {
	page, err := os.ReadFile("../language.md")
	require.NoError(t, err)
	code := regexp.MustCompile("(?s)```.*?```|`[^`]*`").FindAllString(string(page), -1)
	words := map[string]bool{}
	for _, text := range code {
		for _, w := range regexp.MustCompile(`[\pL_][\pL\pN_]*`).FindAllString(text, -1) {
			words[w] = true
		}
	}
	var missing []string
	need := func(kind, name string) {
		if !words[name] {
			missing = append(missing, kind+" "+name)
		}
	}
	for _, f := range check.Functions {
		need("function", f.Name)
	}
	for _, d := range check.Distributions {
		need("distribution", d.Name)
	}
	for _, a := range nn.Activations {
		need("activation", a.Name)
	}
	for _, s := range slices.Concat(nn.Settings, check.Guarantees) {
		need("option", s.Key)
	}
	require.Empty(t, missing)
}
