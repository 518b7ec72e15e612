package admin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/admin"
)

// server answers the n-th request, from 1, as answer says, and notes them all.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
}

func newServer(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, n int)) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		s.mu.Lock()
		s.requests = append(s.requests, r)
		n := len(s.requests)
		s.mu.Unlock()
		answer(w, r, n)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) seen() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// What the path would be a part of.
func TestAURLWithAQueryIsAnError(t *testing.T) {
	asked := 0
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request, _ int) { asked++; says(w, 200, `{"id":1}`) })
	for _, end := range []string{"?", "#", "/?", "/?a=b", "/#a"} {
		if _, err := (&admin.Client{URL: s.URL + end}).CreateMerchant(t.Context(), admin.NewMerchant{}); err == nil || !strings.Contains(err.Error(), "query or a fragment") {
			t.Errorf("%s: got %v", end, err)
		}
	}
	if asked > 0 {
		t.Errorf("the server was asked %d times", asked)
	}
}

// says writes a JSON answer.
func says(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// breakOff ends the connection without an answer.
func breakOff(http.ResponseWriter) { panic(http.ErrAbortHandler) }

// C-400: what may be sent again is, and nothing else.
func TestRequestsAreSentAgainWhereThatIsSafe(t *testing.T) {
	t.Parallel()
	status := func(code int) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { says(w, code, `{"code":"0","message":"No.","reason":"x"}`) }
	}
	half := func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "1000")
		says(w, http.StatusOK, `{"id":1`)
	}
	for name, test := range map[string]struct {
		fail func(http.ResponseWriter)
		want [4]int // attempts of GET, POST, PATCH and DELETE, each of which would be good the third time
	}{
		"no answer":        {breakOff, [4]int{3, 3, 1, 3}},
		"half an answer":   {half, [4]int{3, 3, 1, 1}}, // no half of 204
		"429":              {status(429), [4]int{3, 3, 3, 3}},
		"502":              {status(502), [4]int{3, 3, 1, 3}},
		"503":              {status(503), [4]int{3, 3, 1, 3}},
		"504":              {status(504), [4]int{3, 3, 1, 3}},
		"500":              {status(500), [4]int{1, 1, 1, 1}},
		"409":              {status(409), [4]int{1, 1, 1, 1}},
		"401":              {status(401), [4]int{1, 1, 1, 1}},
		"wait of 11 s":     {func(w http.ResponseWriter) { w.Header().Set("Retry-After", "11"); status(503)(w) }, [4]int{1, 1, 1, 1}},
		"wait without end": {func(w http.ResponseWriter) { w.Header().Set("Retry-After", "9223372036"); status(429)(w) }, [4]int{3, 3, 3, 3}},
		"wait until a date": {func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "Fri, 01 Jan 2100 00:00:00 GMT")
			status(429)(w)
		}, [4]int{1, 1, 1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls sync.WaitGroup
			defer calls.Wait()
			for i, call := range []func(*admin.Client) error{
				func(c *admin.Client) error { _, err := c.Merchant(t.Context(), admin.NumberID("1")); return err },
				func(c *admin.Client) error { _, err := c.CreateMerchant(t.Context(), admin.NewMerchant{}); return err },
				func(c *admin.Client) error {
					_, err := c.UpdateMerchant(t.Context(), admin.NumberID("1"), admin.MerchantUpdate{})
					return err
				},
				func(c *admin.Client) error { return c.DeleteMerchant(t.Context(), admin.NumberID("1"), 0) },
			} {
				calls.Go(func() {
					s := newServer(t, func(w http.ResponseWriter, r *http.Request, n int) {
						switch {
						case n < 3:
							test.fail(w)
						case r.Method == http.MethodDelete:
							w.WriteHeader(http.StatusNoContent)
						default:
							says(w, http.StatusOK, `{"id":1}`)
						}
					})
					err := call(&admin.Client{URL: s.URL})
					if n := len(s.seen()); n != test.want[i] || (err == nil) != (n == 3) {
						t.Errorf("%s was sent %d times, not %d: %v", s.seen()[0].Method, n, test.want[i], err)
					}
				})
			}
		})
	}
}

// C-400: no fourth time, and each POST says that it is the same.
func TestAttemptsAtAPostHaveOneIdempotencyKey(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request, _ int) { breakOff(w) })
	c := &admin.Client{URL: s.URL}
	keys := map[string]int{}
	for range 2 {
		if _, err := c.CreateScope(t.Context(), admin.Scope{Name: "a:read"}); err == nil {
			t.Fatal("no answer is no error")
		}
	}
	for _, r := range s.seen() {
		key := r.Header.Get("Idempotency-Key")
		if len(key) < 22 {
			t.Errorf("the idempotency key is %q", key)
		}
		keys[key]++
	}
	for key, n := range keys {
		if len(keys) != 2 || n != 3 {
			t.Errorf("%s was sent %d times, of %d keys", key, n, len(keys))
		}
	}
}

// C-400
func TestWhatIsGoneAfterALostAnswerWasDeleted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		first func(http.ResponseWriter)
		good  bool
	}{
		"lost":       {breakOff, true},
		"502":        {func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) }, true},
		"not done":   {func(w http.ResponseWriter) { w.WriteHeader(http.StatusTooManyRequests) }, false},
		"never was":  {func(w http.ResponseWriter) { says(w, 404, `{"code":"404","message":"No.","reason":"not_found"}`) }, false},
		"other path": {func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, func(w http.ResponseWriter, _ *http.Request, n int) {
				if n == 1 {
					test.first(w)
					return
				}
				says(w, 404, `{"code":"404","message":"No.","reason":"not_found"}`)
			})
			if err := (&admin.Client{URL: s.URL}).DeleteAPIKey(t.Context(), "twc_demo_x", 0); (err == nil) != test.good {
				t.Error(err)
			}
		})
	}
}

// C-400: a PATCH that has reached nobody can be sent again.
func TestAnUpdateIsSentAgainWhereNobodyGotIt(t *testing.T) {
	t.Parallel()
	dials := 0
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		dials++
		return nil, errors.New("no way")
	}}
	c := &admin.Client{URL: "http://localhost", HTTPClient: &http.Client{Transport: transport}}
	if _, err := c.UpdateMerchant(t.Context(), admin.NumberID("1"), admin.MerchantUpdate{}); err == nil || dials != 3 {
		t.Errorf("dialled %d times: %v", dials, err)
	}
}

// C-401
func TestAnswersOfOthersAreErrorsThatSaySo(t *testing.T) {
	t.Parallel()
	page := func(w http.ResponseWriter, status int) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<html>Please log in</html>")
	}
	for name, test := range map[string]struct {
		answer func(http.ResponseWriter)
		want   string
	}{
		"a page":            {func(w http.ResponseWriter) { page(w, 200) }, "The server answered 200 OK, and not as the admin API does (text/html; charset=utf-8): is the URL right, and what stands before the server?"},
		"a page, refused":   {func(w http.ResponseWriter) { page(w, 403) }, "The server answered 403 Forbidden, and not as the admin API does (text/html; charset=utf-8): is the URL right, and what stands before the server?"},
		"no content":        {func(w http.ResponseWriter) { w.WriteHeader(204) }, "The server answered 204 No Content, and not as the admin API does: is the URL right, and what stands before the server?"},
		"other JSON":        {func(w http.ResponseWriter) { says(w, 200, `[]`) }, "reading the answer: "},
		"no JSON":           {func(w http.ResponseWriter) { says(w, 200, `{"id":1,`) }, "reading the answer: unexpected end of JSON input"},
		"other error":       {func(w http.ResponseWriter) { says(w, 418, `{"error":"teapot"}`) }, "The server answered 418 I'm a teapot, and not as the admin API does"},
		"status of nothing": {func(w http.ResponseWriter) { says(w, 499, ``) }, "The server answered 499, and not"},
		"too much":          {func(w http.ResponseWriter) { says(w, 200, strings.Repeat(" ", 16<<20)+"{}") }, "the answer is larger than 16 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, func(w http.ResponseWriter, _ *http.Request, _ int) { test.answer(w) })
			if m, err := (&admin.Client{URL: s.URL}).Merchant(t.Context(), admin.NumberID("1")); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %+v, %v", m, err)
			}
		})
	}
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request, _ int) { page(w, 200) })
	if err := (&admin.Client{URL: s.URL}).DeleteScope(t.Context(), "a:read"); err == nil {
		t.Error("a page counts as deleted")
	}
}

// C-401: a POST that becomes the GET of a list would look like success.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	other := newServer(t, func(w http.ResponseWriter, _ *http.Request, _ int) { says(w, 200, `{"id":1}`) })
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ int) {
			http.Redirect(w, r, other.URL+"/admin/v1/merchants?secret", status)
		})
		_, err := (&admin.Client{URL: s.URL}).CreateMerchant(t.Context(), admin.NewMerchant{})
		want := fmt.Sprintf("The server answered %d, a redirect to %s: redirects are not followed. Is the URL right?", status, other.URL)
		if err == nil || err.Error() != want || len(s.seen()) != 1 {
			t.Errorf("%d: %d requests, %v", status, len(s.seen()), err)
		}
	}
	if n := len(other.seen()); n != 0 {
		t.Errorf("%d redirects were followed", n)
	}
}

// C-534
func TestWhatIsNoNameIsNotAskedFor(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request, _ int) { says(w, 200, `{"items":[]}`) })
	c := &admin.Client{URL: s.URL}
	for _, id := range []string{"", ".", ".."} {
		_, key := c.APIKey(t.Context(), id)
		_, revoked := c.RevokeSigningKey(t.Context(), id, false)
		var deliveries error
		for _, err := range c.WebhookDeliveries(t.Context(), id, "") {
			deliveries = err
		}
		for _, err := range []error{key, revoked, deliveries, c.DeleteScope(t.Context(), id)} {
			if want := fmt.Sprintf("no ID and no name is %q", id); err == nil || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
		}
	}
	if n := len(s.seen()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// C-401
func TestErrorsTellWhatTheServerSaid(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.Header().Set("X-Request-Id", "r1")
		w.Header().Set("Retry-After", "17")
		says(w, 400, `{"code":"4","message":"No.","reason":"invalid","errors":[{"field":"name","reason":"is empty"},{"field":"env","reason":"is none"}]}`)
	})
	_, err := (&admin.Client{URL: s.URL + "/"}).CreateAPIKey(t.Context(), admin.NewAPIKey{})
	e, ok := errors.AsType[*admin.Error](err)
	if !ok || e.Status != 400 || e.Code != "400" || e.Message != "No." || e.Reason != "invalid" || e.RequestID != "r1" || e.RetryAfter != 17*time.Second ||
		len(e.Errors) != 2 || e.Error() != "name is empty; env is none" {
		t.Errorf("got %+v", e)
	}
	if path := s.seen()[0].URL.Path; path != "/admin/v1/api-keys" { // whatever the URL ends in
		t.Errorf("asked at %s", path)
	}
}

// C-402
func TestListsAskForNoMoreThanIsWanted(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, n int) {
		switch r.URL.Query().Get("cursor") {
		case "":
			says(w, 200, `{"items":[{"name":"a"},{"name":"b"}],"next":"2"}`)
		case "2":
			says(w, 200, `{"items":[{"name":"c"}],"next":"3"}`)
		default:
			says(w, 500, `{"code":"500","message":"Broken."}`)
		}
	})
	c := &admin.Client{URL: s.URL, PageSize: 2}
	list := c.Scopes(t.Context())
	for range 2 { // each range begins again
		var names string
		for scope, err := range list {
			if err != nil {
				t.Fatal(err)
			}
			if names += scope.Name; scope.Name == "c" {
				break
			}
		}
		if names != "abc" {
			t.Errorf("got %s", names)
		}
	}
	var queries []string
	for _, r := range s.seen() {
		queries = append(queries, r.URL.RawQuery)
	}
	if want := []string{"limit=2", "cursor=2&limit=2", "limit=2", "cursor=2&limit=2"}; !slices.Equal(queries, want) {
		t.Errorf("asked %q", queries)
	}
	if all, err := admin.Collect(list); err == nil || err.Error() != "Broken." || all != nil {
		t.Errorf("a list whose end fails is %v, %v", all, err)
	}
}

// C-402: an answer that never ends is noticed.
func TestAListThatDoesNotGoOnIsAnError(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		if n == 5 { // so that whoever notices nothing ends
			says(w, 200, `{"items":[]}`)
			return
		}
		says(w, 200, `{"items":[],"next":"again"}`)
	})
	if _, err := admin.Collect((&admin.Client{URL: s.URL}).Merchants(t.Context())); err == nil || len(s.seen()) != 2 {
		t.Errorf("%d requests, %v", len(s.seen()), err)
	}
}

// C-400: who has gone waits for nothing, and hears why it failed before.
func TestACallEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.Header().Set("Retry-After", "9")
		says(w, 503, `{"code":"503","message":"Later.","reason":"unavailable"}`)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // less than the 9 s
	defer cancel()
	began := time.Now()
	_, err := (&admin.Client{URL: s.URL}).Merchant(ctx, admin.NumberID("1"))
	if e, ok := errors.AsType[*admin.Error](err); !ok || e.Message != "Later." || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 4*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
	gone, end := context.WithCancel(t.Context())
	end()
	if _, err := (&admin.Client{URL: s.URL}).Merchant(gone, admin.NumberID("1")); !errors.Is(err, context.Canceled) || len(s.seen()) != 1 {
		t.Errorf("%d requests, %v", len(s.seen()), err)
	}
}

// C-400: what has failed before there was anything to send is not sent again.
func TestWhatHasNoTokenIsNotSentAgain(t *testing.T) {
	t.Parallel()
	asked := 0
	c := &admin.Client{URL: "http://localhost", HTTPClient: &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		asked++
		return nil, errors.New("no token")
	})}}
	if _, err := c.Merchant(t.Context(), admin.NumberID("1")); err == nil || asked != 1 {
		t.Errorf("asked %d times, %v", asked, err)
	}
}

// roundTripper is what an http.Client is given to attach tokens.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Another endpoint that an ID happens to name is not taken for an API key.
func TestAnAPIKeyIsTheOneThatWasAskedFor(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request, _ int) { says(w, 200, `{"items":[]}`) })
	if k, err := (&admin.Client{URL: s.URL}).APIKey(t.Context(), "report"); err == nil {
		t.Errorf("got %+v", k)
	}
}
