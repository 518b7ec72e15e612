package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"

	"github.com/tokenwright/tokenwright"
	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/plain"
	"github.com/tokenwright/tokenwright/internal/store"
)

// print writes v as JSON, or what table makes of it.
func (a *app) print(v any, table func(w io.Writer)) error {
	if a.output == "json" {
		e := json.NewEncoder(a.stdout)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	return a.printTable(table)
}

func (a *app) printTable(table func(w io.Writer)) error {
	var aligned bytes.Buffer
	w := tabwriter.NewWriter(&aligned, 0, 0, 2, ' ', 0)
	table(w)
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := a.stdout.Write(bytes.ReplaceAll(aligned.Bytes(), []byte(secondHalf), nil))
	return err
}

// secondHalf stands behind each character that takes two columns of a terminal, for
// tabwriter counts characters. It is one that plain.Printable leaves in no name.
const secondHalf = "\x01"

// inColumns is text of which every column of a terminal is a character.
func inColumns(text string) string {
	var b strings.Builder
	for _, r := range text {
		b.WriteRune(r)
		if kind := width.LookupRune(r).Kind(); kind == width.EastAsianWide || kind == width.EastAsianFullwidth {
			b.WriteString(secondHalf)
		}
	}
	return b.String()
}

// row writes one line of a table; an empty cell shows as a dash.
func row(w io.Writer, cells ...any) {
	for i, c := range cells {
		text := strings.Map(plain.Printable, fmt.Sprint(c))
		if text == "" {
			text = "-"
		}
		if i > 0 {
			fmt.Fprint(w, "\t")
		}
		fmt.Fprint(w, inColumns(text))
	}
	fmt.Fprintln(w)
}

// printableLines is text that a terminal only shows, line by line.
func printableLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.Map(plain.Printable, lines[i])
	}
	return strings.Join(lines, "\n")
}

// when shows a time in a table.
func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// whenever shows a time that may not be there.
func whenever(t *time.Time) string {
	if t == nil {
		return ""
	}
	return when(*t)
}

// orNever shows a time that may be none.
func orNever(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return when(*t)
}

// parseExpiry reads a time in RFC 3339, or how long from now: 90d, 12h; never
// is the zero time.
func parseExpiry(text string, now time.Time) (time.Time, error) {
	if text == "never" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	if d, err := parseSpan(text, "--expires"); err == nil && d > 0 {
		return now.Add(d), nil
	}
	return time.Time{}, usageError{"--expires is a time such as 2027-01-31T00:00:00Z, a span such as 90d or 12h (36500d at most), or never"}
}

const (
	day     = 24 * time.Hour
	maxSpan = 36500 * day
)

// parseSpan reads a span of time: 90d, 12h, 0.
func parseSpan(text, flag string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 16)
		d = time.Duration(n) * day
	}
	if err != nil || d < 0 || d > maxSpan {
		return 0, usageError{flag + " is a span of time, such as 90d, 12h or 0; 36500d at most"}
	}
	return d, nil
}

// style colours text on a terminal whose user has not asked for none.
type style bool

func styleOf(w io.Writer, environ map[string]string) style {
	f, ok := w.(*os.File)
	if !ok || environ["NO_COLOR"] != "" || environ["TERM"] == "dumb" {
		return false
	}
	info, err := f.Stat()
	return style(err == nil && info.Mode()&os.ModeCharDevice != 0)
}

func (s style) in(code, text string) string {
	if !s {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s style) bold(text string) string { return s.in("1", text) }
func (s style) dim(text string) string  { return s.in("2", text) }
func (s style) good(text string) string { return s.in("32", text) }

// explain says what an error means for whoever runs the command, and what to
// do about it.
func (a *app) explain(err error) string {
	if refused, ok := errors.AsType[*admin.Error](err); ok {
		return a.explainRefusal(refused)
	}
	if refused, ok := errors.AsType[*tokenwright.Error](err); ok {
		return explainNoToken(refused)
	}
	if _, ok := errors.AsType[noServerThere](err); ok {
		return err.Error() + "\n  is the server running? " + a.anotherServer() + " names another"
	}
	advice := []struct {
		err error
		do  string
	}{
		{authority.ErrNotInitialized, "tokenwright serve or tokenwright quickstart sets it up"},
		{authority.ErrMasterKey, masterKeyAdvice},
		{store.ErrBackup, "tokenwright restore FILE puts it in the place of a database"},
		{authority.ErrCopied, "tokenwright restore --finish --replay EVENTS goes on from it, with --accept-lost-changes where they are not known; where nothing was lost, --finish --head alone"},
		{authority.ErrMoved, "configure servers and commands with that one"},
		{authority.ErrArriving, "if it was interrupted, end it with the same command: tokenwright migrate --from …"},
		{authority.ErrEnvironments, "configure them as recorded (--url, environments); what was fixed by the first start stays"},
	}
	for _, known := range advice {
		if errors.Is(err, known.err) {
			return err.Error() + "\n  " + known.do
		}
	}
	return err.Error()
}

// refusalAdvice is what to do about what the admin API refuses, by its reason.
var refusalAdvice = map[string]string{
	"active_key_limit": "disable or delete an API key of this merchant and environment, or raise the limit with: tokenwright merchant update ID --key-limit N",
	"key_limit":        "delete API keys that are disabled",
	"scope_in_use":     "take it from them first with: tokenwright key update CLIENT_ID --scope …",
	"merchant_in_use":  "delete them first with: tokenwright key delete CLIENT_ID --yes",
	"last_operator":    "make another operator first; the command line beside the database, without --server, can do without",
	"unripe":           "wait until then, or add --force: another key signs at once, and verifiers refuse its tokens until they have fetched the JWKS again",
}

// memberFlags are flags by the members of the admin API that they set, where the two have
// not one name.
var memberFlags = map[string]string{
	"merchantId": "merchant", "allowedCidrs": "allow-cidr", "keyLimit": "key-limit", "expiresAt": "expires", "memberships": "role", "scopes": "scope",
}

// flagOf is what the running command calls a member of the admin API.
func (a *app) flagOf(member string) string {
	flag := cmp.Or(memberFlags[member], member)
	if a.running.Flags().Lookup(flag) == nil {
		return member
	}
	return "--" + flag
}

// whatThereIs is which command lists what others have not found, by the beginning of
// their names.
var whatThereIs = [][2]string{
	{"key create", "merchant list"}, {"portal-link", "merchant list"}, {"key secret delete", "key secret list CLIENT_ID"},
	{"key", "key list"}, {"merchant", "merchant list"}, {"scope", "scope list"}, {"user", "user list"}, {"signing-key", "signing-key list"},
}

// refusalAdviceHere is what to do about a refusal in the running command; "" for nothing.
func (a *app) refusalAdviceHere(e *admin.Error) string {
	if do := refusalAdvice[e.Reason]; do != "" {
		return do
	}
	if e.Reason == "not_found" {
		for _, row := range whatThereIs {
			if strings.HasPrefix(pathOf(a.running)+" ", row[0]+" ") {
				return "tokenwright " + row[1] + " shows what there is"
			}
		}
	}
	for _, f := range e.Errors {
		switch f.Field {
		case "--scope":
			return "tokenwright scope list shows the catalogue; give --scope once for each"
		case "--kind":
			return strings.TrimPrefix(didYouMean(a.running.Flag("kind").Value.String(), kindsOfEvents()), "; ")
		}
	}
	if e.Status == http.StatusForbidden && e.Reason == "" {
		return "the API key in TOKENWRIGHT_CLIENT_ID does not hold it; tokenwright key update CLIENT_ID --scope … names all that it holds from then on"
	}
	return ""
}

// explainRefusal puts the answer of the admin API in the way of a command.
func (a *app) explainRefusal(refused *admin.Error) string {
	e := *refused
	e.Errors = slices.Clone(e.Errors)
	for i := range e.Errors {
		e.Errors[i].Field = a.flagOf(e.Errors[i].Field)
	}
	text := strings.TrimSuffix(e.Error(), ".")
	if first, size := utf8.DecodeRuneInString(text); size < len(text) && !unicode.IsUpper(rune(text[size])) {
		text = string(unicode.ToLower(first)) + text[size:]
	}
	if do := a.refusalAdviceHere(&e); do != "" {
		text += "\n  " + do
	}
	if e.RequestID != "" && e.Status >= http.StatusInternalServerError {
		text += "\n  The server's log names this request " + e.RequestID
	}
	return text
}
