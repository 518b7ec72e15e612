package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/tokenwright/tokenwright/internal/jose"
)

func TestParseExpiry(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"never": {}, "90d": now.AddDate(0, 0, 90), "1d": now.AddDate(0, 0, 1), "36500d": now.AddDate(0, 0, 36500), "12h": now.Add(12 * time.Hour),
		"90m": now.Add(90 * time.Minute), "1h30m": now.Add(90 * time.Minute), "1s": now.Add(time.Second),
		"2027-01-31T00:00:00Z":      time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC),
		"2027-01-31T01:00:00+01:00": time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC),
	} {
		if got, err := parseExpiry(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: got %v (%v), want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0d", "-1d", "0h", "-1h", "36501d", "d", "1.5d", "1d2", "1dd", "1 d", " 1d", "+1d", "1d ", "0x10d", "1_0d", "1", "tomorrow",
		"Never", "2027-01-31", "2027-01-31T00:00:00", "2027-02-30T00:00:00Z", "99999999999999999999d", "1e3d", "12h\n", "5d\n"} {
		if got, err := parseExpiry(text, now); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}

func TestRowsStayRowsWhateverIsInThem(t *testing.T) { // C-226
	t.Parallel()
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row(w, "ID", "NAME", "STATUS")
	for _, name := range []string{"a\tb", "a\nb", "a\r\nb", "a\vb", "a\fb", "a\x00b", "a\x1b[31mb", "a\u009bb", "a\u0085b", "a\u2028b", "a\u2029b", "a\u202eb", "a\x7fb", "a\xffb", ""} {
		row(w, 7, name, "active")
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(lines) != 16 || lines[len(lines)-1] != "7   -        active" {
		t.Fatalf("got %d lines: %q", len(lines), lines)
	}
	for _, line := range lines {
		if strings.ContainsAny(line, "\t\r\v\f\x00\x1b\x7f\u009b\u0085\u2028\u2029\u202e") || len(strings.Fields(line)) < 3 {
			t.Errorf("got line %q", line)
		}
	}
}

func TestATokenIsShownWithoutControlCharacters(t *testing.T) { // C-226
	t.Parallel()
	text := `"a` + "\u009b31m\u202e\x7f\u2028\x9b" + `b"`
	var b bytes.Buffer
	describeToken(&b, styleOf(&b, nil), []byte(`{"kid":`+text+`}`), &jose.Message{Payload: []byte(`{"iss":` + text + `}`)}, nil, errors.New("x"), time.Now())
	if got := b.String(); strings.Count(got, "b\"\n") != 2 || strings.ContainsAny(got, "\u009b\u202e\x7f\u2028") || !utf8.ValidString(got) {
		t.Errorf("got %q", got)
	}
}

func TestTablesAlignWideCharacters(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	a := &app{stdout: &b, output: "table"}
	err := a.print(nil, func(w io.Writer) {
		for _, name := range []string{"東京商事", "ＡＢ", "Straße", "Acme 🚀", "ascii", "\ue000"} {
			row(w, name, "x")
		}
	})
	const want = "東京商事  x\nＡＢ      x\nStraße    x\nAcme 🚀   x\nascii     x\n\ue000         x\n"
	if got := b.String(); err != nil || got != want {
		t.Errorf("got (%v)\n%swant\n%s", err, got, want)
	}
}

// getToken runs token get against a server that answers so.
func getToken(t *testing.T, status int, answer string) (code int, stderr string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	defer server.Close()
	environ := []string{"TOKENWRIGHT_URL=" + server.URL, "TOKENWRIGHT_CLIENT_ID=x", "TOKENWRIGHT_CLIENT_SECRET=x", "NO_PROXY=*"}
	var b bytes.Buffer
	code = run(t.Context(), []string{"token", "get"}, environ, strings.NewReader(""), io.Discard, &b)
	return code, strings.ReplaceAll(b.String(), server.URL, "URL")
}

func TestErrorsAreShownWithoutControlCharacters(t *testing.T) { // C-226
	t.Parallel()
	code, got := getToken(t, http.StatusBadRequest, `{"error":"a\u001b[31m","error_description":"b\u0007\u202ec\r\nd","error_uri":"e"}`)
	if code != exitFailed || got != "tokenwright: a [31m: b  c \nd\n  e\n" {
		t.Errorf("exit code %d, got %q", code, got)
	}
}

// Not all that answers in the place of a token endpoint is one.
func TestRefusalsSayWhatTheySay(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		`{"error":"invalid_client"}`:                            "invalid_client",
		`{"error":"invalid_client","error_description":"No."}`:  "invalid_client: No.",
		`{"code":"503","message":"This node waits."}`:           "the answer of URL/api/oauth/token is 503: This node waits.",
		`{"error":{"message":"what another kind of API says"}}`: "the answer of URL/api/oauth/token is 503, and does not say why",
		`<html>`: "asking for a token: the answer of URL/api/oauth/token (status 503) is no token answer",
	} {
		if code, got := getToken(t, http.StatusServiceUnavailable, answer); code != exitFailed || got != "tokenwright: "+want+"\n" {
			t.Errorf("%s: exit code %d, got %q, want %q", answer, code, got, want)
		}
	}
}

// Not beside others, which could take the port that was just given back.
func TestAServerThatIsNotThereIsTold(t *testing.T) {
	away := httptest.NewServer(nil)
	away.Close()
	for call, want := range map[string]string{
		"token get --url " + away.URL:       "--url or TOKENWRIGHT_URL",
		"health --url " + away.URL:          "--url or TOKENWRIGHT_URL",
		"token verify --issuer " + away.URL: "--issuer",
		"key list --server " + away.URL:     "--server or TOKENWRIGHT_SERVER",
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), strings.Fields(call), []string{"TOKENWRIGHT_CLIENT_ID=x", "TOKENWRIGHT_CLIENT_SECRET=x", "NO_PROXY=*"}, strings.NewReader("x"), &stdout, &stderr)
		if code != exitFailed || stdout.Len() > 0 || !strings.HasSuffix(stderr.String(), ": connection refused\n  is the server running? "+want+" names another\n") {
			t.Errorf("%s: exit code %d, %s%s", call, code, &stdout, &stderr)
		}
	}
	if _, _, stderr := command(t, nil, "token", "get", "--url", "localhost:28080"); !strings.HasPrefix(stderr, "tokenwright: --url: url is an origin, such as https://auth.example.com or http://localhost:8080") {
		t.Errorf("got %s", stderr)
	}
}

func TestTimesInWords(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 400, time.UTC)
	for offset, want := range map[int64]string{3600: "2026-11-23 13:00:00Z, in 1h0m0s", -90: "2026-11-23 11:58:30Z, 1m30s ago", 0: "2026-11-23 12:00:00Z, just now"} {
		if got := inWords(now.Unix()+offset, now); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if when(time.Time{}) != "" || when(now.In(time.FixedZone("", 3600))) != "2026-11-23 12:00:00Z" {
		t.Error("times are not shown in UTC, or never is shown as one")
	}
}

func TestColourIsForTerminals(t *testing.T) {
	t.Parallel()
	if styleOf(new(bytes.Buffer), nil) || style(false).good("x") != "x" || style(true).good("x") != "\x1b[32mx\x1b[0m" {
		t.Error("colour goes elsewhere than to terminals")
	}
}

// Every command says in its help what it is for, takes no secret as a flag,
// and ends with exit code 0.
func TestHelpOfEveryCommand(t *testing.T) {
	t.Parallel()
	root := (&app{}).rootCommand()
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	count := 0
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		count++
		path := strings.Fields(c.CommandPath())[1:]
		code, stdout, stderr := command(t, nil, append(path, "--help")...)
		if code != exitOK || stderr != "" || !strings.Contains(stdout, "Usage:") {
			t.Errorf("%s --help: exit code %d, %s%s", c.CommandPath(), code, stdout, stderr)
		}
		if strings.TrimSpace(c.Short) == "" || c.Name() == "" {
			t.Errorf("%s does not say what it is for", c.CommandPath())
		}
		for _, line := range strings.Split(stdout, "\n") {
			fields := strings.Fields(line)
			if len(fields) == 0 || !strings.HasPrefix(fields[0], "-") {
				continue
			}
			if strings.HasSuffix(line, " ") || len(fields) < 3 {
				t.Errorf("%s: the flag %q does not say what it is for", c.CommandPath(), line)
			}
			for _, name := range []string{"--client-secret", "--secret", "--token", "--master-key ", "--password"} {
				if strings.Contains(line+" ", name+" ") {
					t.Errorf("%s takes a secret as an argument: %s", c.CommandPath(), line)
				}
			}
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
	if count < 40 {
		t.Errorf("found only %d commands", count)
	}
}
