package e2e

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// C-036: who does not prove the right secret learns nothing, not even by a byte.
func TestRefusalsThatMustNotTellAreIdenticalBytes(t *testing.T) {
	t.Parallel()
	s, right := harness.StartWithKey(t, "demo")
	other, deleted := s.CreateKey(t, "demo"), s.CreateKey(t, "demo")
	s.CLI(t, "merchant", "create", "--id", "4260", "--name", "Suspended")
	suspended := s.CreateKeyOf(t, "4260", "demo")
	harness.Eventually(t, 5*time.Second, "every API key works", func() bool {
		return s.Works(t, other) && s.Works(t, deleted) && s.Works(t, suspended)
	})
	s.CLI(t, "key", "delete", deleted.ClientID, "--yes")
	s.CLI(t, "merchant", "suspend", "4260")
	harness.Eventually(t, 5*time.Second, "the changes act", func() bool { return !s.Works(t, deleted) && !s.Works(t, suspended) })

	unknown := "twc_demo_" + strings.Repeat("A", 22)
	for _, path := range []string{"/oauth/token", "/api/oauth/token", "/demo/oauth/token"} {
		for way, write := range waysToAsk {
			want := raw(t, s, path, write, unknown, right.ClientSecret)
			if !strings.HasPrefix(want, "HTTP/1.1 401 ") || !strings.Contains(want, `"error":"invalid_client"`) ||
				!strings.Contains(want, `Basic realm="tokenwright"`) {
				t.Fatalf("an unknown ID is answered\n%s", want)
			}
			for name, key := range map[string]harness.APIKey{
				"another key's secret": {ClientID: right.ClientID, ClientSecret: other.ClientSecret},
				"a deleted API key":    deleted, "a suspended merchant": suspended,
				"a suspended merchant and the wrong secret": {ClientID: suspended.ClientID, ClientSecret: other.ClientSecret},
			} {
				if got := raw(t, s, path, write, key.ClientID, key.ClientSecret); got != want {
					t.Errorf("%s (%s, %s) is answered\n%s\nbut an unknown ID\n%s", name, path, way, got, want)
				}
			}
		}
	}
}

// waysToAsk write the header and body of a token request.
var waysToAsk = map[string]func(id, secret string) (header, body string){
	"JSON": func(id, secret string) (string, string) {
		return "Content-Type: application/json\r\n",
			fmt.Sprintf(`{"client_id":"%s","client_secret":"%s","grant_type":"client_credentials"}`, id, secret)
	},
	"form": func(id, secret string) (string, string) {
		return "Content-Type: application/x-www-form-urlencoded\r\n",
			url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}.Encode()
	},
	"Basic": func(id, secret string) (string, string) {
		return "Content-Type: application/x-www-form-urlencoded\r\nAuthorization: Basic " +
			base64.StdEncoding.EncodeToString([]byte(id+":"+secret)) + "\r\n", "grant_type=client_credentials"
	},
}

// raw returns the bytes of an answer as they come over the wire, without the
// two headers that differ from answer to answer.
func raw(t *testing.T, s *harness.Server, path string, write func(id, secret string) (header, body string), id, secret string) string {
	t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.Port))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	header, body := write(id, secret)
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost:%d\r\nConnection: close\r\n%sContent-Length: %d\r\n\r\n%s",
		path, s.Port, header, len(body), body)
	text, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	var kept strings.Builder
	dropped := 0
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if name, _, _ := strings.Cut(lines.Text(), ":"); name == "X-Request-Id" || name == "Date" {
			dropped++
			continue
		}
		kept.WriteString(lines.Text() + "\n")
	}
	if dropped != 2 {
		t.Errorf("X-Request-Id and Date: %d of 2 are there:\n%s", dropped, text)
	}
	return kept.String()
}

func TestRefusalsTellWhatTheRequestItselfShows(t *testing.T) {
	t.Parallel()
	s, key := harness.StartWithKey(t, "demo")
	changed := byte('A')
	if key.ClientSecret[20] == changed {
		changed = 'B'
	}
	mistyped := key.ClientSecret[:20] + string(changed) + key.ClientSecret[21:]
	harness.NoteSecret(mistyped)
	for name, c := range map[string]struct{ url, id, secret, told string }{
		"a mistyped secret":       {s.URL + "/oauth/token", key.ClientID, mistyped, "mistyped"},
		"ID and secret swapped":   {s.URL + "/oauth/token", key.ClientSecret, key.ClientID, "in each other's place"},
		"only the ID, twice":      {s.URL + "/oauth/token", key.ClientID, key.ClientID, "in each other's place"},
		"a demo ID at production": {s.URL + "/production/oauth/token", key.ClientID, key.ClientSecret, "another environment"},
		"a placeholder":           {s.URL + "/oauth/token", "<client-id>", key.ClientSecret, "placeholder"},
		"a line break at the end": {s.URL + "/oauth/token", key.ClientID, key.ClientSecret + "\n", "white space"},
		"quotation marks":         {s.URL + "/oauth/token", key.ClientID, `"` + key.ClientSecret + `"`, "quotation marks"},
	} {
		a := s.Ask(t, c.url, c.id, c.secret)
		if a.Error != "invalid_client" || a.Code != "401" || !strings.Contains(a.Description, c.told) || a.Message != a.Description {
			t.Errorf("%s: %+v", name, a)
		}
	}
	s.CLI(t, "key", "disable", key.ClientID)
	harness.Eventually(t, 5*time.Second, "the right secret hears that the API key is disabled", func() bool {
		a := s.Ask(t, s.URL+"/oauth/token", key.ClientID, key.ClientSecret)
		return a.Error == "invalid_client" && strings.Contains(a.Description, "disabled")
	})
}
