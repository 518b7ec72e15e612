package main

import (
	"regexp"
	"strings"
	"testing"
)

// codeSpan is a code span: its fence is longer than any run of backticks inside.
func codeSpan(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if s == "" {
		return ""
	}
	fence, pad := "`", ""
	for strings.Contains(s, fence) {
		fence, pad = fence+"`", " "
	}
	return fence + pad + s + pad + fence
}

// plainText is text in which nothing is Markdown.
func plainText(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `_`, `\_`, `[`, `\[`, `]`, `\]`, `<`, `\<`, `>`, `\>`, `&`, `\&`, "`", "\\`").Replace(s)
}

// prose is running text. Of Markdown it keeps the code spans between backticks.
func prose(s string) string {
	parts := strings.Split(strings.Join(strings.Fields(s), " "), "`")
	for i, part := range parts {
		if i%2 == 0 {
			parts[i] = plainText(part)
		} else {
			parts[i] = codeSpan(part)
		}
	}
	return strings.Join(parts, "")
}

// cell makes Markdown fit into a cell of a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// tableRow is a row of a table.
func tableRow(cells ...string) string {
	for i := range cells {
		cells[i] = cell(cells[i])
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

// typed are words that somebody types or reads letter by letter: paths, addresses,
// URLs, names with an underscore, spans of time, kinds of events, scopes.
var typed = regexp.MustCompile(`^(` + strings.Join([]string{
	`.*(<|://|_|=|@|\.\*).*`, `\.?/[a-z.].*`, `-[a-z]`, `--[a-z].*`, `PG[A-Z]+`, `(X|Tokenwright)-[A-Z].*`, `:?[0-9]+`, `[0-9]+(s|m|h|d)`, `[0-9a-f.:]+[.:/][0-9a-f.:/]+`,
	`[a-z0-9]-[a-z0-9]`, `-`, `\*`, `(ES|RS|PS)[0-9]{3}`, `EdDSA`, `[a-z_-]+(\.[a-z_*]+)+`, `[a-z-]+:[a-z…,]+`, `[A-Z]+:[A-Z]+`, `[a-z]+[A-Z]\w*`,
}, "|") + `)$`)

var wordOrQuote = regexp.MustCompile(`"[^"]*"[.,;:)]*|\S+`)

// inline is a comment or a help text as Markdown: what is typed becomes code, and
// so does what stands between quotation marks, if that is one word or has a sign
// that words do not have. link may replace a word, or what is quoted, by Markdown;
// it is told the word before, and returns "" for nothing to replace.
func inline(text string, link func(word, before string) string) string {
	var out []string
	before := ""
	for _, word := range wordOrQuote.FindAllString(text, -1) {
		core := strings.TrimRight(strings.TrimLeft(word, "("), ".,;:)")
		if word == ":" || core == "" {
			core = word
		}
		lead, trail, _ := strings.Cut(word, core)
		quoted := len(core) > 1 && strings.HasPrefix(core, `"`) && strings.HasSuffix(core, `"`)
		bare := strings.Trim(core, `"`)
		number := regexp.MustCompile(`^[0-9]+$`).MatchString(core)
		switch markdown := link(bare, before); {
		case markdown != "":
			core = markdown
		case quoted && (!strings.Contains(bare, " ") || strings.ContainsAny(bare, "<-=/:")), !quoted && !number && typed.MatchString(core):
			core = codeSpan(bare)
		default:
			core = plainText(core)
		}
		out = append(out, lead+core+trail)
		before = word
	}
	return strings.Join(out, " ")
}

func noLink(string, string) string { return "" }

func TestWhatIsTypedBecomesCode(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a span of 5m, or 90d (as in token_limit).":    "a span of `5m`, or `90d` (as in `token_limit`).",
		`such as "Tokenwright <a@example.com>".`:       "such as `Tokenwright <a@example.com>`.",
		`is "json", or "Continue with …" of <name>`:    "is `json`, or \"Continue with …\" of `<name>`",
		"of a-z, 0-9, _ and -: at 127.0.0.1:80 or :80": "of `a-z`, `0-9`, `_` and `-`: at `127.0.0.1:80` or `:80`",
		"10 of 1 to 24 *, with --yes [x]":              "10 of 1 to 24 `*`, with `--yes` \\[x\\]",
		"https, or http: e-mail of API keys; TLS.":     "https, or http: e-mail of API keys; TLS.",
	} {
		if got := inline(text, noLink); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", text, got, want)
		}
	}
}
