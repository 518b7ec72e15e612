package main

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// checkMembers finds members that t does not have, whatever their depth.
func checkMembers(node *yaml.Node, t reflect.Type, path string) error {
	if node.Kind != yaml.MappingNode {
		return nil // Decode tells what is wrong
	}
	var known []string
	types := map[string]reflect.Type{}
	if t.Kind() == reflect.Struct {
		for f := range t.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",") // what follows is for writing
			known = append(known, name)
			types[name] = f.Type
		}
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name := node.Content[i].Value
		inner, ok := types[name]
		switch {
		case t.Kind() == reflect.Map:
			inner = t.Elem()
		case t.Kind() != reflect.Struct:
			continue
		case !ok:
			return fmt.Errorf("line %d: the member %s%s is unknown%s", node.Content[i].Line, path, name, didYouMean(name, known))
		}
		if err := checkMembers(node.Content[i+1], inner, path+name+"."); err != nil {
			return err
		}
	}
	return nil
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
