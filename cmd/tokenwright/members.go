package main

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// reading is what is found in a configuration file, beside its values.
type reading struct {
	file     string
	former   map[string]former
	lines    map[string]int // of members, by path
	warnings []string
}

// members looks at the names of members, whatever their depth, and gives those that
// have another one now their new one. pattern is path with * in the place of what
// installations call things. All that is wrong is in the error.
func (r *reading) members(node *yaml.Node, t reflect.Type, path, pattern string) error {
	if node.Kind != yaml.MappingNode || t.Kind() != reflect.Struct && t.Kind() != reflect.Map {
		return nil // Decode tells what is wrong
	}
	var beside []string
	for i := 0; i+1 < len(node.Content); i += 2 {
		beside = append(beside, node.Content[i].Value)
	}
	known, types := fields(t)
	var problems []error
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, step, inner := node.Content[i], "*", reflect.Type(nil)
		if t.Kind() == reflect.Map {
			inner = t.Elem()
		} else {
			name, err := r.formerName(pattern, path, key.Value, key.Line, beside)
			if err != nil {
				problems = append(problems, err)
				continue
			}
			ok := false
			if inner, ok = types[name]; !ok {
				problems = append(problems, fmt.Errorf("line %d: the member %s%s is unknown%s", key.Line, path, name, didYouMean(name, known)))
				continue
			}
			key.Value, step = name, name
		}
		r.lines[path+key.Value] = key.Line
		problems = append(problems, r.members(node.Content[i+1], inner, path+key.Value+".", pattern+step+"."))
	}
	return errors.Join(problems...)
}

// fields are the members that a struct is read from, and their types.
func fields(t reflect.Type) (known []string, types map[string]reflect.Type) {
	types = map[string]reflect.Type{}
	if t.Kind() != reflect.Struct {
		return nil, types
	}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",") // what follows is for writing
		known = append(known, name)
		types[name] = f.Type
	}
	return known, types
}

// didYouMean names the known word that is most like word, if one is.
func didYouMean(word string, known []string) string {
	best, distance := "", min(4, len(word)/2+1)
	for _, k := range known {
		if d := editDistance(strings.ToLower(word), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
