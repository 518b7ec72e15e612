package tokenwright

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// Nothing is left running: not by sources that are in use, nor by what was under
// way when their context ended (C-260). Against a real server, for most
// goroutines of a client belong to connections.
func TestNoGoroutineOutlivesItsContext(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		switch r.PostForm.Get("client_id") {
		case "hangs":
			<-release
		case "fails":
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			reply(w, http.StatusOK, `{"access_token":"token","expires_in":1,"token_type":"bearer"}`)
		}
	}))
	defer server.Close()
	defer close(release)
	transport := &http.Transport{}

	ctx, cancel := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	for _, id := range []string{"works", "hangs", "fails"} {
		for i := range 10 {
			c := with(func(c *Config) { c.URL, c.ClientID, c.HTTPClient = server.URL, id, &http.Client{Transport: transport} })
			if id == "works" {
				c.Scopes = []string{fmt.Sprint(i)}
			}
			source, err := c.TokenSource(ctx)
			if err != nil {
				t.Fatal(err)
			}
			callers.Go(func() {
				for ctx.Err() == nil {
					_, _ = source.Token(t.Context())
					time.Sleep(time.Millisecond)
				}
			})
		}
	}
	time.Sleep(1200 * time.Millisecond) // some renewals
	if running() == "" {
		t.Error("nothing runs: what is looked for is not what there is")
	}
	cancel()
	callers.Wait()
	deadline := time.Now().Add(5 * time.Second)
	for transport.CloseIdleConnections(); running() != ""; transport.CloseIdleConnections() {
		if time.Now().After(deadline) {
			t.Fatalf("still running:\n%s", running())
		}
		time.Sleep(time.Millisecond)
	}
}

// running returns the stacks of goroutines of sources and of connections.
func running() string {
	buffer := make([]byte, 1<<20)
	var found strings.Builder
	for stack := range strings.SplitSeq(string(buffer[:runtime.Stack(buffer, true)]), "\n\n") {
		if strings.Contains(stack, "tokenwright.(*source)") || strings.Contains(stack, "http.(*persistConn)") {
			found.WriteString(stack + "\n\n")
		}
	}
	return found.String()
}
