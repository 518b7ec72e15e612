package gateways

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// api is what stands behind the gateways. It answers with what it has got, and
// believes the headers of the gateway as APIs do.
type api struct {
	*httptest.Server
	requests atomic.Int64
}

// got is a request as it arrived.
type got struct {
	Method, Target, Body string
	Header               http.Header
}

func startAPI(t *testing.T) *api {
	t.Helper()
	a := new(api)
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

// ServeHTTP implements http.Handler.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.requests.Add(1)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if status := map[string]int{"/v2/own401": 401, "/v2/own403": 403, "/v2/own500": 500}[r.URL.Path]; status != 0 {
		http.Error(w, "the API's own", status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(got{r.Method, r.RequestURI, string(body), r.Header})
}

func (a *api) address() string { return strings.TrimPrefix(a.URL, "http://") }

// gateway is a running one, in front of an API.
type gateway struct {
	*harness.Program
	port int
	api  *api
}

// send sends a request as it is written here: line is method and target.
func (g *gateway) send(t *testing.T, line, token string, headers ...string) *harness.Answer {
	t.Helper()
	return g.sendTo(t, "api.example.com", line, token, headers...)
}

// sendTo is send with a Host.
func (g *gateway) sendTo(t *testing.T, host, line, token string, headers ...string) *harness.Answer {
	t.Helper()
	a, err := g.try(host, line, token, headers...)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return a
}

func (g *gateway) try(host, line, token string, headers ...string) (*harness.Answer, error) {
	c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", g.port), 5*time.Second)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return nil, err
	}
	body := ""
	if strings.HasPrefix(line, "POST ") {
		body = "a body"
		headers = append(headers, "Content-Length: 6", "Content-Type: text/plain")
	}
	if token != "" {
		headers = append(headers, "Authorization: Bearer "+token)
	}
	text := line + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n"
	for _, h := range headers {
		text += h + "\r\n"
	}
	if _, err := io.WriteString(c, text+"\r\n"+body); err != nil {
		return nil, err
	}
	method, _, _ := strings.Cut(line, " ")
	resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	return &harness.Answer{Status: resp.StatusCode, Header: resp.Header, Body: answer}, err
}

// passes sends a request that must reach the API, and returns what arrived.
func (g *gateway) passes(t *testing.T, line, token string, headers ...string) got {
	t.Helper()
	before := g.api.requests.Load()
	a := g.send(t, line, token, headers...)
	var arrived got
	if g.api.requests.Load() != before+1 || a.Status != http.StatusOK {
		t.Errorf("%s: status %d, %s; it should have reached the API", line, a.Status, a.Body)
		return arrived
	}
	if !strings.HasPrefix(line, "HEAD ") {
		if err := json.Unmarshal(a.Body, &arrived); err != nil {
			t.Errorf("%s: %v: %s", line, err, a.Body)
		}
	}
	return arrived
}

// stops sends a request that must not reach the API, whatever the client is told.
func (g *gateway) stops(t *testing.T, line, token string, headers ...string) {
	t.Helper()
	before := g.api.requests.Load()
	if a := g.send(t, line, token, headers...); g.api.requests.Load() != before || a.Status < 400 || a.Status >= 500 {
		t.Errorf("%s: status %d, %.200s; it should have been stopped", line, a.Status, a.Body)
	}
}

// refuses sends a request that must not reach the API, and checks what the client
// is told.
func (g *gateway) refuses(t *testing.T, status int, message, challenge, line, token string, headers ...string) {
	t.Helper()
	before := g.api.requests.Load()
	a := g.send(t, line, token, headers...)
	if n := g.api.requests.Load(); n != before {
		t.Errorf("%s has reached the API", line)
	}
	var body map[string]string
	if a.Status != status || json.Unmarshal(a.Body, &body) != nil || len(body) != 2 || body["code"] != fmt.Sprint(status) || !strings.Contains(body["message"], message) {
		t.Errorf("%s: status %d, %s; want %d and %q", line, a.Status, a.Body, status, message)
	}
	if values := a.Header["Www-Authenticate"]; len(values) != 1 || !strings.HasPrefix(values[0], `Bearer realm="http`) || !strings.Contains(values[0], challenge) {
		t.Errorf("%s: WWW-Authenticate is %q", line, values)
	}
	if a.Header.Get("Content-Type") != "application/json" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: headers %v", line, a.Header)
	}
}
