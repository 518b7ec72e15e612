package main

import (
	"fmt"
	"html"
	"strings"
)

// chart draws the requests a second as bars, and returns what shows them in Markdown.
// The drawing has the classes of the page, for its colours in either theme; what it
// shows is its text too.
func (r *results) chart(name, title string, figures []requestFigures) string {
	const width, bar, step, above = 420, 14, 44, 8
	most := 0.0
	var said []string
	for _, f := range figures {
		most = max(most, f.perCore())
		said = append(said, strings.ReplaceAll(titled(f.Name), ", ", " ")+" "+three(f.perCore()))
	}
	alternative := title + ": " + strings.Join(said, "; ") + "."
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="drawing drawing-small" viewBox="0 0 %d %d" role="img" aria-labelledby="chart-%s" xmlns="http://www.w3.org/2000/svg" fill="none" stroke-width="1.2" font-size="14" font-family="sans-serif">`+"\n",
		width, above+step*len(figures), name)
	fmt.Fprintf(&b, "<title id=\"chart-%s\">%s</title>\n", name, html.EscapeString(alternative))
	for i, f := range figures {
		y := above + step*i
		class, weight, stroke := "box", "400", "#838e97"
		if strings.HasPrefix(f.Name, nameOurs) {
			class, weight, stroke = "own", "600", "#0b665d"
		}
		fmt.Fprintf(&b, "<text x=\"1\" y=\"%d\" font-weight=\"%s\" fill=\"#57616a\">%s</text>\n", y+14, weight, html.EscapeString(titled(f.Name)))
		fmt.Fprintf(&b, "<rect class=\"%s\" x=\"1\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"3\" stroke=\"%s\"/>\n", class, y+21, max(2, f.perCore()/most*(width-72)), bar, stroke)
		fmt.Fprintf(&b, "<text class=\"note\" x=\"%.1f\" y=\"%d\" font-size=\"13\" fill=\"#57616a\">%s</text>\n", f.perCore()/most*(width-72)+8, y+33, three(f.perCore()))
	}
	b.WriteString("</svg>\n")
	file := "performance-" + name + ".svg"
	r.charts[file] = b.String()
	return fmt.Sprintf("%s:\n\n![%s](%s)\n", title, alternative, file)
}
