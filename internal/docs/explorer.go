package docs

import "strings"

// explorer is the page of the explorer, which is a program rather than text: it
// stands in the navigation, and has no Markdown.
var explorer = page{
	Name: "reference/explorer", Path: "/docs/reference/explorer", Title: "Explorer",
	Lead: "Every endpoint of this server, to read and to try.", Chapter: referenceChapter,
	parts: parts{keys: true}, // an issuer's documents may be asked for at its own host
}

// explorerHTML is that page.
func (s *Site) explorerHTML() ([]byte, error) {
	return s.execute("explorer.html", &explorer)
}

// explorerPolicy lets the explorer style itself, which it does by elements and
// attributes that it makes; all else is as on every page.
func (s *Site) explorerPolicy() string {
	return strings.Replace(s.policy(&explorer), "style-src 'self'", "style-src 'self' 'unsafe-inline'", 1)
}
