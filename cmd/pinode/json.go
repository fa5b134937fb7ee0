package main

import (
	"encoding/json"
	"io"
	"math"
	"strconv"
	"strings"
)

// jsonNumber is a number in JSON, which has none that are not finite: they are the texts
// "NaN", "Infinity" and "-Infinity".
type jsonNumber float64

func (n jsonNumber) MarshalJSON() ([]byte, error) {
	switch v := float64(n); {
	case math.IsNaN(v):
		return []byte(`"NaN"`), nil
	case math.IsInf(v, 1):
		return []byte(`"Infinity"`), nil
	case math.IsInf(v, -1):
		return []byte(`"-Infinity"`), nil
	default:
		return json.Marshal(v)
	}
}

func jsonNumbers(list []float64) []jsonNumber {
	out := make([]jsonNumber, len(list))
	for i, v := range list {
		out[i] = jsonNumber(v)
	}
	return out
}

func jsonMap(of map[string]float64) map[string]jsonNumber {
	out := map[string]jsonNumber{}
	for k, v := range of {
		out[k] = jsonNumber(v)
	}
	return out
}

// wantsJSON reports whether a command line asks for JSON, also one that is wrong elsewhere.
func wantsJSON(args []string) bool {
	for _, a := range args {
		if a == "--" {
			break
		}
		if value, ok := strings.CutPrefix(a, "--json="); ok {
			on, err := strconv.ParseBool(value)
			return err == nil && on
		}
		if a == "--json" {
			return true
		}
	}
	return false
}

// writeJSON writes the one document of a command.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// text prints a text, which is all that a command has to say.
func (a *app) text(what, text string) error {
	if a.json {
		return writeJSON(a.out, map[string]any{"version": 1, what: strings.TrimSuffix(text, "\n")})
	}
	_, err := io.WriteString(a.out, text)
	return err
}
