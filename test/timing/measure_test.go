package timing

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// kind is one kind of request, always as many bytes.
type kind struct {
	name    string
	control bool               // really takes longer
	request func(n int) []byte // the n-th of the kind
	status  int                // of the answer
	sent    int
	times   []time.Duration
}

// forToken asks for a token, always with the same bytes.
func forToken(s *harness.Server, key harness.APIKey) func(int) []byte {
	body := url.Values{"grant_type": {"client_credentials"}, "client_id": {key.ClientID}, "client_secret": {key.ClientSecret}}.Encode()
	request := post(s, "/oauth/token", "", body)
	return func(int) []byte { return request }
}

// post is a request with a form.
func post(s *harness.Server, path, headers, body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: localhost:%d\r\n%s"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", path, s.Port, headers, len(body), body)
}

// measure sends n requests of each kind, and some before them that are not
// counted, over one connection. In every round each kind comes once, in random
// order: so whatever drifts or lingers meets all kinds alike.
func measure(t *testing.T, s *harness.Server, kinds []*kind, n int) {
	t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.Port))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for _, k := range kinds {
		if own, want := len(k.request(0)), len(kinds[0].request(n)); own != want {
			t.Fatalf("%s: the request has %d bytes, not %d", k.name, own, want)
		}
	}
	answers := bufio.NewReader(conn)
	warmUp := n / 4
	for round := range warmUp + n {
		rand.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
		for _, k := range kinds {
			if took := k.send(t, conn, answers); round >= warmUp {
				k.times = append(k.times, took)
			}
		}
	}
}

// send returns the time from the first byte sent to the first byte received,
// which is all that somebody who guesses can see.
func (k *kind) send(t *testing.T, conn net.Conn, answers *bufio.Reader) time.Duration {
	t.Helper()
	request := k.request(k.sent)
	k.sent++
	began := time.Now()
	_, err := conn.Write(request)
	if err == nil {
		_, err = answers.Peek(1)
	}
	took := time.Since(began)
	if err != nil {
		t.Fatalf("%s: %v", k.name, err)
	}
	resp, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatalf("%s: %v", k.name, err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != k.status || resp.Close {
		t.Fatalf("%s: status %d, %v, connection ends: %t\n%s", k.name, resp.StatusCode, err, resp.Close, body)
	}
	if resp.StatusCode == http.StatusOK {
		(&harness.Answer{Body: body}).Token(t) // noted for the search at the end
	}
	return took
}
