package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The reference pages of the documentation are written by the tests in the files
// reference_*_test.go, from what the code has: fields and their comments, commands
// and their help, tables of errors. Without -update the tests compare.

var update = flag.Bool("update", false, "write the reference pages of the documentation instead of comparing them")

const (
	contentDir = "../../internal/docs/content"
	beginMark  = "<!-- begin: written by cmd/tokenwright -->\n"
	endMark    = "<!-- end: written by cmd/tokenwright -->\n"
)

// maxPage is how many bytes a page may have: more is no page to read.
const maxPage = 100_000

func readPage(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(contentDir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// holdPage fails where a page says anything else between its markers than the
// parts, in their order. With -update it says that from now on.
func holdPage(t *testing.T, name string, parts ...string) {
	t.Helper()
	said := readPage(t, name)
	want, rest := "", said
	for _, part := range parts {
		before, behind, ok := strings.Cut(rest, beginMark)
		_, after, ok2 := strings.Cut(behind, endMark)
		if !ok || !ok2 {
			t.Fatalf("%s lacks one of %d times %q with %q behind it", name, len(parts), beginMark, endMark)
		}
		want += before + beginMark + "\n" + strings.TrimSpace(part) + "\n\n" + endMark
		rest = after
	}
	want += rest
	if strings.Contains(rest, beginMark) {
		t.Errorf("%s has more than %d parts that are written here", name, len(parts))
	}
	if len(want) > maxPage {
		t.Errorf("%s would have %d bytes, more than the %d of a page", name, len(want), maxPage)
	}
	if *update {
		if err := os.WriteFile(filepath.Join(contentDir, name), []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if problem := firstDifference(said, want); problem != "" {
		t.Errorf("internal/docs/content/%s is not what the code says, from %s\nTo write it anew: go test ./cmd/tokenwright -run Reference -update", name, problem)
	}
}

// firstDifference tells where two texts part; "" where they do not.
func firstDifference(said, want string) string {
	if said == want {
		return ""
	}
	a, b := strings.Split(said, "\n"), strings.Split(want, "\n")
	at := 0
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	line := func(lines []string) string {
		if at == len(lines) {
			return "(nothing: it ends here)"
		}
		return lines[at]
	}
	return fmt.Sprintf("line %d on:\nthe page: %s\nthe code: %s", at+1, line(a), line(b))
}

func TestTheFirstDifferenceIsTold(t *testing.T) {
	t.Parallel()
	for _, row := range [][3]string{
		{"a\nb\n", "a\nb\n", ""}, {"a\nb\n", "a\nc\n", "line 2 on:\nthe page: b\nthe code: c"},
		{"a", "a\nc", "line 2 on:\nthe page: (nothing: it ends here)\nthe code: c"},
	} {
		if got := firstDifference(row[0], row[1]); got != row[2] {
			t.Errorf("%q and %q: got %q, want %q", row[0], row[1], got, row[2])
		}
	}
}

var (
	headingLine  = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
	codeBlock    = regexp.MustCompile("(?ms)^```.*?^```$")
	markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)
)

// anchorsOf are the anchors of a page, as GitHub makes them: each once.
func anchorsOf(t *testing.T, page string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, m := range headingLine.FindAllStringSubmatch(codeBlock.ReplaceAllString(page, ""), -1) {
		if anchor := anchorOf(m[1]); all[anchor] {
			t.Errorf("two headings have the anchor %s", anchor)
		} else {
			all[anchor] = true
		}
	}
	return all
}

// anchorOf is the anchor of a heading: letters, digits, - and _, and a - for each
// blank.
func anchorOf(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z':
			return r
		}
		return -1
	}, strings.ToLower(heading))
}

// referencePages are those that are written here, in part.
var referencePages = []string{"configuration.md", "command-line.md", "errors.md"}

// C-490, C-491, C-493: where the pages say that something is, it is.
func TestReferencePagesLeadSomewhere(t *testing.T) {
	t.Parallel()
	pages, anchors := map[string]string{}, map[string]map[string]bool{}
	for _, name := range referencePages {
		pages[name] = readPage(t, name)
		anchors[name] = anchorsOf(t, pages[name])
	}
	for _, name := range referencePages {
		if !regexp.MustCompile(`^# [^\n]+\n\n[A-Z][^\n]+\n\n`).MatchString(pages[name]) {
			t.Errorf("%s does not begin with a title and a line of text", name)
		}
		for _, m := range markdownLink.FindAllStringSubmatch(codeBlock.ReplaceAllString(pages[name], ""), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if target == "" {
				target = name
			}
			if known, ok := anchors[target]; ok && anchor != "" && !known[anchor] {
				t.Errorf("%s: nothing is at %s", name, m[1])
			}
		}
	}
}
