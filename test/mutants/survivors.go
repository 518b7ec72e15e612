package main

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed survivors.txt
var survivors string

// readSurvivors reads the list of mutants that may survive, with the reason of each: a line
// as this program prints it, and below it the reason, indented.
func readSurvivors(text string) (map[string]string, error) {
	judged := map[string]string{}
	name := ""
	for i, line := range strings.Split(text, "\n") {
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "\t"):
			if name == "" {
				return nil, fmt.Errorf("survivors.txt:%d: a reason of nothing", i+1)
			}
			judged[name] += strings.TrimSpace(line) + " "
		default:
			if _, twice := judged[line]; twice {
				return nil, fmt.Errorf("survivors.txt:%d: listed twice", i+1)
			}
			name = line
			judged[name] = ""
		}
	}
	for name, reason := range judged {
		if reason == "" {
			return nil, fmt.Errorf("survivors.txt: no reason for %s", name)
		}
	}
	return judged, nil
}
