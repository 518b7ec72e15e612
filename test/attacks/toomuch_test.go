package attacks

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// excess is a request with too much of something.
type excess struct {
	what   string
	status int // that it is answered with
	text   string
}

// answered tells whether the status is the right one. Reports of leaks and requests of
// the admin API are limited as well.
func (e excess) answered(status int) bool {
	limited := strings.HasPrefix(e.text, "POST /leaks ") || strings.HasPrefix(e.text, "POST /admin/")
	return status == e.status || limited && status == http.StatusTooManyRequests
}

const (
	oneByte   = "a body in chunks of one byte"
	form      = "application/x-www-form-urlencoded"
	jsonMedia = "application/json"
	maxBody   = 64 << 10
	maxHead   = 16 << 10
)

// post is a request with a body of that length, as it is announced.
func post(path, media, body string, headers ...string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n%s",
		path, media, len(body), strings.Join(append(headers, ""), "\r\n"), body)
}

// bearer is a request with an access token.
func bearer(method, path, token string) string {
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", method, path, token)
}

// excesses are what outsiders may send, and what somebody may whose credentials are
// good. What is above a limit stands beside the most that is below it.
func excesses(t *testing.T, x *target) []excess {
	t.Helper()
	const token, introspect = "/demo/oauth/token", "/demo/oauth/introspect"
	key := x.CreateOperatorKey(t, "merchants:write")
	x.AwaitKeys(t, key)
	operator := "Authorization: Bearer " + x.Ask(t, x.URL+"/oauth/token", key.ClientID, key.ClientSecret, "resource", x.URL+"/admin").AccessToken
	credentials := fmt.Sprintf("client_id=%s&client_secret=%s&token=", x.key.ClientID, x.key.ClientSecret)
	fill := func(one string, size int) string { return strings.Repeat(one, size/len(one)) }
	nested := func(size int) string { return `{"grant_type":` + strings.Repeat("[", size) }
	var names strings.Builder
	for n := 0; names.Len() < maxBody-8; n++ {
		fmt.Fprintf(&names, "%x&", n)
	}
	chunk := fmt.Sprintf("%x\r\n%s\r\n", 1<<15, fill("a", 1<<15))
	const chunked = "POST " + token + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + form + "\r\nTransfer-Encoding: chunked\r\n\r\n"
	return []excess{
		{"a body of 100 MiB is announced", 413, strings.Replace(post(token, form, fill("a=", maxBody)), fmt.Sprint(maxBody), "104857600", 1)},
		{"a body of 1 MiB", 413, post(token, form, fill("a=", 1<<20))},
		{"a body of 1 MiB in chunks", 413, chunked + strings.Repeat(chunk, 32) + "0\r\n\r\n"},
		{oneByte, 400, chunked + strings.Repeat("1\r\na\r\n", maxBody/2) + "0\r\n\r\n"},
		{"a body that unfolds to 60 MiB", 400, post(token, form, bomb(t), "Content-Encoding: gzip")},
		{"as JSON", 400, post(token, jsonMedia, bomb(t), "Content-Encoding: gzip")},
		{"for the admin API", 415, post("/admin/v1/merchants", jsonMedia, bomb(t), "Content-Encoding: gzip", operator)},
		{"100,000 parameters", 413, post(token, form, strings.Repeat("a=1&", 100_000))},
		{"as many parameters as fit", 400, post(token, form, names.String())},
		{"the same one as often as fits", 400, post(token, form, fill("scope&", maxBody))},
		{"a value of nothing but escapes", 400, post(token, form, "client_id="+fill("%41", maxBody-16))},
		{"a scope of as many words as fit", 400, post(token, form, "scope="+fill("a+", maxBody-16))},
		{"JSON 100,000 deep", 413, post(token, jsonMedia, nested(100_000))},
		{"JSON as deep as fits", 400, post(token, jsonMedia, nested(maxBody-20))},
		{"objects as deep as fit", 400, post(token, jsonMedia, fill(`{"a":`, maxBody))},
		{"for the admin API, as deep as fits", 400, post("/admin/v1/merchants", jsonMedia, nested(maxBody-20), operator)},
		{"as many members as fit", 400, post(token, jsonMedia, "{"+fill(`"a":"",`, maxBody-8)+`"b":""}`)},
		{"a report of leaks, as deep as fits", 400, post("/leaks", jsonMedia, nested(maxBody-20))},
		{"a header of 1 MiB", 431, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Large: " + fill("a", 1<<20) + "\r\n\r\n"},
		{"100,000 headers", 431, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + strings.Repeat("a: b\r\n", 100_000) + "\r\n"},
		{"a path of 1 MiB", 431, "GET /" + fill("a/", 1<<20) + " HTTP/1.1\r\nHost: localhost\r\n\r\n"},
		{"a token of a million dots, for introspection", 431, bearer("POST", introspect, fill(".", 1e6))},
		{"for forward auth", 431, bearer("GET", "/forward-auth", fill(".", 1e6))},
		{"for the admin API", 431, bearer("GET", "/admin/v1/merchants", fill(".", 1e6))},
		{"a token of as many dots as fit, for introspection", 400, bearer("POST", introspect, fill(".", maxHead))},
		{"for forward auth", 401, bearer("GET", "/forward-auth?env=demo&scope=customers:read", fill(".", maxHead))},
		{"for the admin API", 401, bearer("GET", "/admin/v1/merchants", fill(".", maxHead))},
		{"a token of a million dots, in a form", 413, post(introspect, form, credentials+fill(".", 1e6))},
		{"as many dots as fit, in a form", 200, post(introspect, form, credentials+fill(".", maxBody-1024))},
		{"Basic credentials as large as fit", 401, post(token, form, "grant_type=client_credentials", "Authorization: Basic "+fill("QTpB", maxHead))},
	}
}

// bomb is 60 KiB that unfold to a thousand times as much.
func bomb(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	zeros := make([]byte, 1<<20)
	for b.Len() < 60<<10 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// whatever is too much is refused with the right status at little cost, and
// holds no memory: one after the other, and all at the same moment beside clients.
func TestTooMuchIsRefusedAtLittleCost(t *testing.T) {
	evidence.Short(t)
	x := newTarget(t, "R-41", "bodies, headers, parameters, JSON and tokens that are too much", harness.New(t))
	list := excesses(t, x)
	times := evidence.Choose(3, 500)
	x.row.Times = 0
	type cost struct {
		What           string
		Processor, P99 float64 // milliseconds
	}
	var costs []cost
	for _, e := range list {
		before := x.Usage(t).Processor
		var waits []time.Duration
		for range times {
			took, status, err := e.send(x.Server)
			if err != nil || !e.answered(status) {
				t.Errorf("%s: status %d, %v; want %d", e.what, status, err, e.status)
				break
			}
			waits = append(waits, took)
			x.row.Times++
		}
		processor := float64((x.Usage(t).Processor - before).Microseconds()) / 1000 / float64(times)
		costs = append(costs, cost{e.what, processor, evidence.MS(evidence.Quantiles(waits, 0.99)[0])})
	}
	slices.SortFunc(costs, func(a, b cost) int { return cmp.Compare(b.Processor, a.Processor) })
	x.row.Detail = costs
	// Each byte of it comes with five others, which net/http has to look at.
	n := slices.IndexFunc(costs, func(c cost) bool { return c.What == oneByte })
	x.row.AtMost(t, "CPU for "+oneByte, costs[n].Processor, "ms", 3)
	costs = slices.Delete(slices.Clone(costs), n, n+1)
	x.row.AtMost(t, "CPU for the costliest of the others", costs[0].Processor, "ms", 1)
	x.row.Tell("p99 until it is answered", costs[0].P99, "ms")

	var sent atomic.Int64
	meanwhile := x.attacked(t, evidence.Lasting(2*time.Second, 10*time.Minute), func(ctx context.Context) {
		var running sync.WaitGroup
		for n := range 8 {
			running.Go(func() {
				for i := n; ctx.Err() == nil; i++ {
					e := list[i%len(list)]
					if _, status, err := e.send(x.Server); err != nil || !e.answered(status) {
						t.Errorf("beside others, %s: status %d, %v; want %d", e.what, status, err, e.status)
						return
					}
					sent.Add(1)
				}
			})
		}
		running.Wait()
	})
	x.row.Tell("p99 of tokens meanwhile", evidence.MS(meanwhile.p99), "ms")
	x.row.Tell("otherwise", evidence.MS(x.before.p99), "ms")
	x.row.Note = fmt.Sprintf("that is %s; %d at the same time as clients", costs[0].What, sent.Load())
	x.report(t)
}

// send sends it on a connection of its own and returns how long the answer took.
func (e excess) send(s *harness.Server) (took time.Duration, status int, err error) {
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.Port))
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	began := time.Now()
	go func() { _, _ = io.WriteString(conn, e.text) }() // of what is refused not all is taken in
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return time.Since(began), 0, err
	}
	took = time.Since(began)
	_, err = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return took, resp.StatusCode, err
}
