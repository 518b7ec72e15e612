package observe

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

var quoted = regexp.MustCompile("`([^`]+)`")

// logPage is what internal/docs/content/logs.md says: members of every record and of requests,
// and for each message its level and members.
type logPage struct {
	members  []string
	messages map[string]logRow
}

type logRow struct {
	level   string
	members []string
}

func readLogPage(t *testing.T) logPage {
	t.Helper()
	p := logPage{messages: map[string]logRow{}}
	section := ""
	for line := range strings.Lines(harness.ReadFile(t, "internal", "docs", "content", "logs.md")) {
		if title, ok := strings.CutPrefix(line, "## "); ok {
			section = strings.TrimSpace(title)
		}
		cells := strings.Split(line, "|")
		if !strings.HasPrefix(line, "| `") || len(cells) < 4 {
			continue
		}
		if section == "Beside requests" {
			p.messages[words(cells[1])[0]] = logRow{strings.TrimSpace(cells[2]), words(cells[3])}
		} else {
			p.members = append(p.members, words(cells[1])...)
		}
	}
	if len(p.members) < 20 || len(p.messages) < 25 {
		t.Fatalf("internal/docs/content/logs.md has %d members and %d messages", len(p.members), len(p.messages))
	}
	return p
}

// words are the words in backquotes of a cell.
func words(cell string) (list []string) {
	for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
		list = append(list, m[1])
	}
	return list
}

const trace = "4bf92f3577b34da6a3ce929d0e0e4736"

func TestEveryMemberOfRealRecordsIsInThePage(t *testing.T) { // C-355, C-354
	t.Parallel()
	page := readLogPage(t)
	s, key := harness.StartWithKey(t, "demo")
	s.CLI(t, "merchant", "create", "--id", "7", "--name", "Other")
	send := func(method, path, contentType, body string, header ...string) *harness.Answer {
		r := harness.NewRequest(t, method, s.URL+path, body)
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		return s.Do(t, r)
	}
	const form = "application/x-www-form-urlencoded"
	request := harness.TokenRequest(t, key.ClientID, key.ClientSecret)
	token := send("POST", "/oauth/token", "application/json", request, "traceparent", "00-"+trace+"-00f067aa0ba902b7-01").Token(t).AccessToken
	send("POST", "/oauth/token", form, "x")
	about := url.Values{"client_id": {key.ClientID}, "client_secret": {key.ClientSecret}, "token": {token}}.Encode()
	send("POST", "/demo/oauth/introspect", form, about)
	send("GET", "/forward-auth?env=demo&scope=customers:read", "", "", "Authorization", "Bearer "+token)
	send("GET", "/forward-auth?env=demo", "", "")
	send("GET", "/forward-auth/nothing", "", "")
	send("POST", "/demo/oauth/revoke", form, about)
	send("GET", "/console", "", "", "Cookie", openPortal(t, s, openPortal(t, s, "")))
	if a := send("GET", "/nothing", "", ""); a.Status != http.StatusNotFound {
		t.Errorf("/nothing: %d", a.Status)
	}
	s.Stop(t)
	seen := map[string]bool{}
	for line := range strings.Lines(s.ReadLog(t)) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Errorf("a record that is no JSON: %s", line)
			continue
		}
		page.check(t, record)
		if all := regexp.MustCompile(`[{,]"(\w+)":`).FindAllString(line, -1); len(all) > len(record) {
			t.Errorf("a record that has a member twice: %s", line)
		}
		for name := range record {
			seen[name] = true
		}
		if record["trace_id"] == trace && record["client_id"] != key.ClientID {
			t.Errorf("the trace is in the record of another request: %s", line)
		}
	}
	for _, name := range page.members {
		if !seen[name] && !slices.Contains([]string{"error", "panic", "stack", "cause", "would_limit", "mail"}, name) { // which nothing here has caused
			t.Errorf("no record has %s, which internal/docs/content/logs.md tells of", name)
		}
	}
}

// openPortal opens a link into the console, with the cookie of another session or
// "", and returns that of the session which begins.
func openPortal(t *testing.T, s *harness.Server, cookie string) string {
	t.Helper()
	_, token, _ := strings.Cut(s.CLI(t, "portal-link", "--merchant", "4259", "-o", "json"), "/console/link?token=")
	token, _, _ = strings.Cut(token, `"`)
	r := harness.NewRequest(t, "POST", s.URL+"/console/link", url.Values{"token": {token}}.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", s.URL)
	r.Header.Set("Cookie", cookie)
	client := *s.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusSeeOther || len(resp.Cookies()) == 0 {
		t.Fatalf("the link is answered %d", resp.StatusCode)
	}
	begun := resp.Cookies()[0]
	harness.NoteSession(begun.Name + "=" + begun.Value)
	return begun.Name + "=" + begun.Value
}

func (p logPage) check(t *testing.T, record map[string]any) {
	t.Helper()
	message, _ := record["msg"].(string)
	allowed := p.members
	if message != "request" {
		row, ok := p.messages[message]
		if !ok || record["level"] != row.level {
			t.Errorf("internal/docs/content/logs.md has no message %q of level %v", message, record["level"])
		}
		allowed = append([]string{"time", "level", "msg"}, row.members...)
	}
	for name := range record {
		if !slices.Contains(allowed, name) {
			t.Errorf("internal/docs/content/logs.md has no member %s of %q", name, message)
		}
	}
}
