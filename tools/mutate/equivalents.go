package main

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed equivalents.txt
var equivalentsText string

// equivalents reads a list of faults that change no result: a line with the
// key of the fault, then lines with the reason, indented by a tab. Lines that
// begin with # are comments.
func equivalents(text string) (map[string]string, error) {
	reasons := map[string]string{}
	key := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "\t"):
			if key == "" {
				return nil, fmt.Errorf("a reason without a fault: %q", line)
			}
			reasons[key] = strings.TrimSpace(reasons[key] + " " + strings.TrimSpace(line))
		default:
			if key != "" && reasons[key] == "" {
				return nil, fmt.Errorf("no reason is given for %q", key)
			}
			key = line
			reasons[key] = ""
		}
	}
	if key != "" && reasons[key] == "" {
		return nil, fmt.Errorf("no reason is given for %q", key)
	}
	return reasons, nil
}
