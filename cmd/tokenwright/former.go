package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// former is a setting of a release before this one.
type former struct {
	// now is what it is called since, in the same place. It works for one release, with
	// a warning; then it is one that is gone.
	now string
	// gone says what to do, where nothing has its place: "leave it out; …".
	gone string
}

// formerSettings are the settings that were renamed or removed since the last release:
// by path in the file, where * stands for any name, as in environments.*.issuer. One
// without a dot is a variable too.
var formerSettings = map[string]former{}

// formerName says what became of a member, whose place in the file is known by a
// pattern: what it is called now, or an error.
func (r *reading) formerName(pattern, path, name string, line int, beside []string) (now string, err error) {
	f, ok := r.former[pattern+name]
	switch {
	case !ok:
		return name, nil
	case f.now == "":
		return "", fmt.Errorf("line %d: the member %s%s is gone: %s", line, path, name, f.gone)
	case slices.Contains(beside, f.now):
		return "", fmt.Errorf("line %d: the member %s%s is called %s now, which is there too; leave the old one out", line, path, name, f.now)
	}
	r.warnings = append(r.warnings, fmt.Sprintf("line %d of %s: the member %s%s is called %s now; in the next release its old name is an error",
		line, r.file, path, name, f.now))
	return f.now, nil
}

// formerVariables lets variables of an old name stand for what they are called now.
func (a *app) formerVariables() error {
	var problems []error
	for _, path := range slices.Sorted(maps.Keys(a.former)) {
		old := scalar{name: path}.variable()
		if strings.Contains(path, ".") || a.environ[old] == "" {
			continue
		}
		f := a.former[path]
		now := scalar{name: f.now}.variable()
		switch {
		case f.now == "":
			problems = append(problems, fmt.Errorf("%s is gone: %s", old, f.gone))
		case a.environ[now] != "":
			problems = append(problems, fmt.Errorf("%s is called %s now, which is set too; leave the old one out", old, now))
		default:
			a.environ[now] = a.environ[old]
			a.warn(fmt.Sprintf("the variable %s is called %s now; in the next release its old name is unknown", old, now))
		}
		delete(a.environ, old)
	}
	return errors.Join(problems...)
}

func (a *app) warn(text string) {
	fmt.Fprintf(a.stderr, "tokenwright: warning: %s\n", printableLines(text))
}
