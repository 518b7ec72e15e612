package main

import (
	"fmt"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// span is a span of time that may be days, and may be never, which is 0.
type span time.Duration

// UnmarshalYAML reads 90d, 12h, 90s, 0 or never.
func (s *span) UnmarshalYAML(node *yaml.Node) error {
	if node.Value == "never" {
		*s = 0
		return nil
	}
	d, err := parseSpan(node.Value, "")
	if err != nil {
		// An error of another type would be the only one that is told.
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: %q is no span of time, such as 90d, 12h or never", node.Line, node.Value)}}
	}
	*s = span(d)
	return nil
}

// MarshalYAML writes what UnmarshalYAML reads.
func (s span) MarshalYAML() (any, error) {
	d := time.Duration(s)
	switch {
	case d == 0:
		return "never", nil
	case d%day == 0:
		return strconv.Itoa(int(d/day)) + "d", nil
	}
	return d.String(), nil
}
