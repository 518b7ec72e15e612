package docs

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
)

// entry is one section of a page, as script finds it.
type entry struct {
	Page    string `json:"page"`
	Section string `json:"section"` // "" for what stands before the first
	Address string `json:"address"`
	Text    string `json:"text"`
	Last    bool   `json:"last,omitempty"` // looked up rather than read: after the guides
}

// lookedUp are the pages that are read by the name of a thing.
var lookedUp = []string{"configuration", "command-line", "metrics", "logs", "changelog"}

// searchIndex is everything that can be found, by section. It is read by script,
// once somebody searches.
func (s *Site) searchIndex() ([]byte, error) {
	var all []entry
	for _, p := range s.pages {
		source, err := s.text(p, func(to *page) string { return to.Path })
		if err != nil {
			return nil, err
		}
		d := parse(source)
		last := p.Chapter == referenceChapter || slices.Contains(lookedUp, p.Name)
		at := entry{Page: p.Title, Address: p.Path, Last: last}
		var words []string
		flush := func() {
			at.Text = line(strings.Join(words, " "))
			all, words = append(all, at), nil
		}
		for n := d.root.FirstChild(); n != nil; n = n.NextSibling() {
			switch n := n.(type) {
			case *ast.Heading:
				if n.Level > 2 && p.tag != "" { // parts of an operation are found with it
					words = append(words, headingText(n, d.source))
				} else if n.Level > 1 {
					flush()
					at = entry{p.Title, headingText(n, d.source), p.Path + "#" + headingID(n), "", last}
				}
			case *ast.HTMLBlock:
			default:
				words = append(words, d.words(n))
			}
		}
		flush()
	}
	return json.Marshal(all)
}

// words is the text of a node, without samples: they say nothing that the text does
// not.
func (d *doc) words(n ast.Node) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the function returns no error
		switch {
		case entering && n.Kind() == ast.KindText:
			b.Write(n.(*ast.Text).Segment.Value(d.source))
			b.WriteByte(' ')
		case !entering && n.Kind() == extast.KindTableCell:
			b.WriteByte(' ')
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}
