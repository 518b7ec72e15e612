package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// problem is one thing that is wrong with the configuration.
type problem struct {
	line int // of the file; 0 where it is not of the file
	text string
}

// Error implements error.
func (p problem) Error() string {
	if p.line == 0 {
		return p.text
	}
	return fmt.Sprintf("line %d: %s", p.line, p.text)
}

// problems is all that is wrong with a configuration, which is told at once: who
// upgrades mends a file in one go.
type problems struct {
	file string // "" for none
	list []problem
}

// Error implements error.
func (p *problems) Error() string {
	of := "the configuration"
	if slices.ContainsFunc(p.list, func(one problem) bool { return one.line != 0 }) {
		of += " " + p.file
	}
	switch {
	case len(p.list) == 1 && p.list[0].line == 0:
		return p.list[0].text
	case len(p.list) == 1:
		return of + ": " + p.list[0].Error()
	}
	text := fmt.Sprintf("%s has %d faults:", of, len(p.list))
	for _, one := range p.list {
		text += "\n  " + one.Error()
	}
	return text
}

// source is where the values of a configuration come from.
type source struct {
	file  string
	lines map[string]int    // of the members in the file, by path: environments.demo.issuer
	over  map[string]string // what a field has from elsewhere: by name, the variable or flag
}

// located is err, with all that are joined in it, as problems of this source; nil for
// none. An error begins with the name of the setting that it is about.
func (s *source) located(err error) error {
	p := &problems{file: s.file}
	for _, one := range parted(err) {
		p.add(s.problem(one))
	}
	if len(p.list) == 0 {
		return nil
	}
	slices.SortStableFunc(p.list, func(a, b problem) int {
		return cmp.Compare(uint(a.line-1), uint(b.line-1)) // those without a line are the last
	})
	return p
}

// add leaves out what is said of a value that could not be read: it is not in force.
func (p *problems) add(one problem) {
	if !slices.ContainsFunc(p.list, func(other problem) bool { return one == other || one.line == other.line && unread(other) }) {
		p.list = append(p.list, one)
	}
}

func unread(p problem) bool { return p.line != 0 && strings.HasPrefix(p.text, "cannot unmarshal") }

// parted are the errors that are joined in err.
func parted(err error) []error {
	if err == nil {
		return nil
	}
	if typed, ok := err.(*yaml.TypeError); ok {
		var list []error
		for _, text := range typed.Errors {
			list = append(list, errors.New(text))
		}
		return list
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var list []error
	for _, one := range joined.Unwrap() {
		list = append(list, parted(one)...)
	}
	return list
}

// problem finds the line of an error, or what has set the value where the file has not.
func (s *source) problem(err error) problem {
	p := problem{text: err.Error()}
	if n, _ := fmt.Sscanf(p.text, "line %d: ", &p.line); n == 1 {
		_, p.text, _ = strings.Cut(p.text, ": ")
		return p
	}
	words := strings.Fields(strings.ReplaceAll(p.text, ":", " "))
	if len(words) > 2 && words[1] == "and" {
		words = []string{words[0], words[2]}
	} else {
		words = words[:min(1, len(words))]
	}
	for _, path := range words {
		if by, ok := s.over[path]; ok {
			return problem{text: by + ": " + p.text}
		}
		for path != "" && p.line == 0 {
			p.line = s.lines[path]
			path = path[:max(0, strings.LastIndexByte(path, '.'))]
		}
	}
	return p
}
