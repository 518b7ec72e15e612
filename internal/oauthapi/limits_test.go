package oauthapi

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/server"
)

// listen serves the surface until the test ends, as the product does, and
// returns the address.
func (in *installation) listen() string {
	in.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	in.must(err)
	s := server.New(server.Config{Listener: l, Handler: in.handler, Registry: in.registry, Logger: slog.New(slog.DiscardHandler)})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	in.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			in.Error(err)
		}
	})
	return l.Addr().String()
}

func TestBodiesOverTheLimitAreRefusedAndTheConnectionClosed(t *testing.T) { // C-018
	in := install(t, nil)
	address := in.listen()
	body := formBody(in.key("demo", "customers:read").request()...)
	// Else net/http waits for what was announced before it answers.
	in.post("/oauth/token", asForm.contentType, strings.Repeat("a", maxBody+1)).wantHeader("Connection", "close")
	whole := body + "&a=" + strings.Repeat("a", maxBody-len(body)-3)
	const head = "POST /oauth/token HTTP/1.1\r\nHost: auth.example.com\r\nContent-Type: application/x-www-form-urlencoded\r\n"
	for name, c := range map[string]struct {
		request string
		status  int
	}{
		"64 KiB":                 {head + fmt.Sprintf("Content-Length: %d\r\n\r\n", maxBody) + whole, http.StatusOK},
		"64 KiB and 1 announced": {head + fmt.Sprintf("Content-Length: %d\r\n\r\n", maxBody+1), http.StatusRequestEntityTooLarge}, // nothing of it was sent
		"1 TiB announced":        {head + "Content-Length: 1099511627776\r\n\r\n", http.StatusRequestEntityTooLarge},
		"64 KiB and 1 in chunks": {head + fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%sa\r\n", maxBody+1, whole), http.StatusRequestEntityTooLarge},
	} {
		conn, err := net.Dial("tcp", address)
		in.must(err)
		in.must(conn.SetDeadline(time.Now().Add(20 * time.Second)))
		_, err = io.WriteString(conn, c.request)
		in.must(err)
		reader := bufio.NewReader(conn)
		resp, err := http.ReadResponse(reader, nil)
		in.must(err)
		text, err := io.ReadAll(resp.Body)
		in.must(err)
		a := &answer{in, resp.StatusCode, resp.Header, string(text)}
		if a.status != c.status {
			t.Errorf("%s: got status %d", name, a.status)
		}
		if c.status != http.StatusOK {
			a.refused(reasonTooLarge)
			if _, err := reader.ReadByte(); err != io.EOF || !resp.Close {
				t.Errorf("%s: the connection stays open (%v)", name, err)
			}
		}
		in.must(conn.Close())
	}
}

func TestManyParametersAreRefused(t *testing.T) { // C-018, CVE-2025-61726
	in := install(t, nil)
	k := in.key("demo", "customers:read")
	unique := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "&%x", i)
		}
		return b.String()
	}
	body := formBody(k.request()...)
	in.post("/oauth/token", asForm.contentType, body+unique(maxParameters-3)).issued("demo")
	in.post("/oauth/token", asForm.contentType, body+unique(maxParameters-2)).refused(reasonForm)
	in.post("/oauth/token", asForm.contentType, body+unique(12_000)).refused(reasonForm)
	in.post("/oauth/token", asForm.contentType, unique(100_000)).refused(reasonTooLarge)
	in.post("/oauth/token", asForm.contentType, strings.Repeat("&", maxBody)).refused(reasonNoGrantType)
	in.post("/oauth/token", asForm.contentType, body+strings.Repeat("&a", 12_000)).refused(reasonRepeated)
}

// SDKs drop credentials on a 401: a server that lost its database never says so.
func TestLostDatabaseIsNoReasonToDropCredentials(t *testing.T) { // C-022
	in := install(t, nil)
	k := in.key("demo", "customers:read")
	in.must(in.store.Close())
	asks := map[string]func() *answer{
		"right secret": func() *answer { return in.ask(asJSON, k.request()) },
		"unknown ID":   func() *answer { return in.ask(asForm, apiKey{"twc_demo_0000000000000000000000", k.secret}.request()) },
		"wrong scope":  func() *answer { return in.ask(asForm, grant("scope", "x"), basic(k.id, k.secret)...) },
	}
	in.advance(5 * time.Minute)
	asks["right secret"]().issued("demo")
	asks["unknown ID"]().refused(string(authority.UnknownID))
	in.advance(time.Millisecond)
	for name, ask := range asks {
		a := ask()
		a.refused(reasonStale)
		if o := a.object(); a.status != http.StatusServiceUnavailable || text(o, "error") != "temporarily_unavailable" || text(o, "code") != "503" {
			t.Errorf("%s: got %d %s", name, a.status, a.body)
		}
	}
}

// A body is given memory as it comes: who announces much and sends little
// holds no more than others. C-018, R-41
func TestAnnouncedBodiesHoldNoMemory(t *testing.T) {
	x := newExchange().(*exchange)
	before := cap(x.buffer)
	r := newRequest("POST", "/oauth/token", strings.NewReader("grant_type="), "Content-Type", formType)
	r.ContentLength = maxBody
	body, err := x.readBody(httptest.NewRecorder(), r)
	if err != nil || body != "grant_type=" || cap(x.buffer) != before {
		t.Errorf("read %q, %v, and the buffer has %d bytes, not %d", body, err, cap(x.buffer), before)
	}
}

// An answer above 4 KiB may still be on its way when the next request comes, so
// its memory is not used again.
func TestMemoryOfLongAnswersIsNotUsedAgain(t *testing.T) {
	in := install(t, nil)
	for range 100 {
		long := &exchange{buffer: make([]byte, 0, 4<<10+1)}
		in.api.release(long)
		if in.api.exchanges.Get() == any(long) {
			t.Fatal("it is")
		}
	}
}
