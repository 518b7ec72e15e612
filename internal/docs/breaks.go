package docs

import (
	"bytes"
	"fmt"
	"html"
	htmltemplate "html/template"
	"strings"
	"unicode"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/util"
)

// longName is how many characters of a name must fit a line wherever it stands.
const longName = 16

// breakable is text as HTML in which long names, such as those of metrics, may be
// broken where one would: behind an underscore or a slash, and before a capital.
// A browser left to itself breaks them anywhere, or a table becomes too wide.
func breakable(text string) htmltemplate.HTML {
	words := strings.SplitAfter(text, " ")
	for i, word := range words {
		words[i] = html.EscapeString(word)
		if len(word) > longName {
			words[i] = breakName(word)
		}
	}
	return htmltemplate.HTML(strings.Join(words, "")) // every piece is escaped
}

func breakName(name string) string {
	var out strings.Builder
	var before rune
	for i, r := range name {
		if i > 0 && (before == '_' || before == '/' || unicode.IsUpper(r) && unicode.IsLower(before)) {
			out.WriteString("<wbr>")
		}
		out.WriteString(html.EscapeString(string(r)))
		before = r
	}
	return out.String()
}

// codeSpan is code within text.
func (b *blocks) codeSpan(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	var text bytes.Buffer
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		text.Write(c.(*ast.Text).Segment.Value(source)) // it has no others
	}
	_, _ = fmt.Fprintf(w, "<code>%s</code>", breakable(strings.ReplaceAll(text.String(), "\n", " ")))
	return ast.WalkSkipChildren, nil
}
