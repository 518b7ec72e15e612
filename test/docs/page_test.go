package docs

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// block is a sample of a page.
type block struct {
	language string
	title    string // the file that the reader writes it to
	notRun   bool   // marked as such for the reader
	usage    bool   // held by the tests of cmd, which know every flag and setting
	text     string
	line     int
}

// where names a block for who has to mend it.
func (b *block) where(page string) string { return fmt.Sprintf("%s.md, line %d", page, b.line) }

var fence = regexp.MustCompile("^(`{3,})([a-z]*)((?: [^ `]+)*)$")

// blocksOf reads the fenced blocks of a page, in their order.
func blocksOf(t *testing.T, page, markdown string) []block {
	t.Helper()
	var all []block
	var open *block
	end := ""
	for i, line := range strings.Split(markdown, "\n") {
		switch m := fence.FindStringSubmatch(line); {
		case open != nil && line == end:
			all, open = append(all, *open), nil
		case open != nil:
			open.text += line + "\n"
		case m != nil:
			open, end = &block{language: m[2], line: i + 1}, m[1]
			for _, option := range strings.Fields(m[3]) {
				switch name, value, _ := strings.Cut(option, "="); name {
				case "title":
					open.title = value
				case "not-run":
					open.notRun = true
				case "usage":
					open.usage = true
				case "example":
				default:
					t.Errorf("%s has the option %q", open.where(page), option)
				}
			}
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			t.Errorf("%s.md, line %d: a block of code that begins otherwise than at the margin: %q", page, i+1, line)
		}
	}
	if open != nil {
		t.Errorf("%s has no end", open.where(page))
	}
	return all
}

// shown are the languages of blocks that readers look at and do not run.
var shown = []string{"text", "http"}

// fragments are the languages of which a block without a title is looked at only.
var fragments = []string{"go", "js", "python", "json", "yaml"}

// check holds what can be told of a block without running it.
func (b *block) check(t *testing.T, page string) {
	t.Helper()
	switch {
	case b.usage && page != "configuration" && page != "command-line":
		t.Errorf("%s is run by nobody", b.where(page))
	case b.notRun, b.usage, b.title != "", b.language == "sh", slices.Contains(shown, b.language):
	case b.language == "":
		t.Errorf("%s does not say what language it is in", b.where(page))
	case !slices.Contains(fragments, b.language):
		t.Errorf("%s is %s that nobody runs: give it a title and run it, or mark it not-run", b.where(page), b.language)
	}
	if b.notRun && b.title == "" && slices.Contains(shown, b.language) {
		t.Errorf("%s is %s, which is not run anyway", b.where(page), b.language)
	}
	if err := b.readable(t); err != nil {
		t.Errorf("%s: %v\n%s", b.where(page), err, b.text)
	}
}

// checkUsed holds that what readers write to files they run.
func checkUsed(t *testing.T, page string, blocks []block) {
	t.Helper()
	for i, b := range blocks {
		if b.title == "" || b.notRun || b.usage || path.Base(b.title) == "package.json" {
			continue
		}
		used := slices.ContainsFunc(blocks[i+1:], func(later block) bool {
			inGo := b.language == "go" && regexp.MustCompile(`\bgo (run|test|build)\b`).MatchString(later.text)
			return later.language == "sh" && !later.notRun && (strings.Contains(later.text, path.Base(b.title)) || inGo)
		})
		if !used {
			t.Errorf("%s is a file, %s, which no later sample uses", b.where(page), b.title)
		}
	}
}
