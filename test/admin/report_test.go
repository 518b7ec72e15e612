package admin

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/test/harness"
)

// naughty are names that somebody gives an API key in the hope that they act.
var naughty = []string{
	"=1+1", "+1", "-1", "@SUM(A1:A9)", "=cmd|' /C calc'!A0", `=HYPERLINK("http://evil.example";"x")`, "＝1+1", "＋1", "－1", "＠x",
	`"`, `""`, `a"b`, ",", "a,b", ";=1+1", "'", "'=1", "|", `\`, "`x`", "$(x)", "%n%s", "{{7*7}}", "${jndi:ldap://x}",
	"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "'; DROP TABLE api_keys; --", "null", "undefined", "NaN", "1e999", "0x10", "007",
	"Ω≈ç√∫˜µ≤≥÷", "田中さんにあげて下さい", "👩‍👩‍👧‍👦", "ثم نفس", "Ṱ̺̺̕o͞ ̷i̲̬͇̪͙n̝̗͕v̟̜̘̦͟o̶̙̰̠kè͚̮̺̪̹̱̤", "ﬀ", "İ", "NUL", "../../etc/passwd",
}

// readCSV has Python read a file as any program would, and print it as JSON.
const readCSV = `import csv, io, json, sys
text = sys.stdin.buffer.read().decode("utf-8")
assert text.endswith("\r\n")
json.dump(list(csv.reader(io.StringIO(text, newline=""), strict=True)), sys.stdout)`

// C-198: whatever names there are, CSV has as many lines and cells as it should,
// for another program's reader, and nothing that a spreadsheet takes for a formula.
func TestTheReportIsCSVThatAnybodyReads(t *testing.T) {
	t.Parallel()
	const python = "/usr/bin/python3"
	if _, err := exec.LookPath(python); err != nil {
		harness.Missing(t, python+" is not installed")
	}
	s, _, c := start(t)
	ctx := t.Context()
	limit := 1000
	ok[*admin.Merchant](t)(c.CreateMerchant(ctx, admin.NewMerchant{ID: admin.NumberID("1"), Name: "=Evil, \"Inc\"", KeyLimit: &limit}))
	names := map[string]string{}
	for _, name := range naughty {
		created, err := c.CreateAPIKey(ctx, admin.NewAPIKey{MerchantID: admin.NumberID("1"), Env: "demo", Name: name})
		k := noted(t, created, err)
		names[k.ClientID] = name
	}
	for _, name := range []string{"\t=1", "=1\r\n+2", "a\x00b", "\u202ea"} { // these would act, were they let in
		if _, err := c.CreateAPIKey(ctx, admin.NewAPIKey{MerchantID: admin.NumberID("1"), Env: "demo", Name: name}); err == nil {
			t.Errorf("%q is taken for a name", name)
		}
	}
	text := s.CLI(t, "key", "report", "--merchant", "1", "-o", "csv")
	var rows [][]string
	if err := json.Unmarshal([]byte(harness.Tool(t, text, python, "-c", readCSV)), &rows); err != nil {
		t.Fatal(err)
	}
	own, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || !slices.EqualFunc(own, rows, slices.Equal) {
		t.Errorf("Go and Python read different cells: %v", err)
	}
	if len(rows) != len(naughty)+1 || rows[0][0] != "client_id" || rows[0][1] != "name" {
		t.Fatalf("%d lines for %d API keys: %v", len(rows), len(naughty), rows[0])
	}
	for _, row := range rows[1:] {
		if name := names[row[0]]; len(row) != len(rows[0]) || row[1] != name && row[1] != "'"+name || row[3] != `'=Evil, "Inc"` {
			t.Errorf("%q is in a line of %d cells: %q", name, len(row), row)
		}
		for i, cell := range row {
			if begin := strings.TrimLeftFunc(cell, unicode.IsSpace); begin != "" && strings.ContainsAny(string([]rune(begin)[0]), "=+-@＝＋－＠") {
				t.Errorf("%s is %q, a formula", rows[0][i], cell)
			}
		}
	}
	whole := map[string]string{}
	for k, err := range c.Report(ctx, admin.ReportFilter{MerchantID: admin.NumberID("1")}) {
		if err != nil {
			t.Fatal(err)
		}
		whole[k.ClientID] = k.Name
	}
	if fmt.Sprint(whole) != fmt.Sprint(names) { // programs get the names as they are
		t.Errorf("got %v, not %v", whole, names)
	}
}
