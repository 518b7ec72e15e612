package admin

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/line"
)

// Client calls the admin API of one server. Its methods are safe for concurrent
// use, and return an *Error for what the server has refused, or what stands
// before it has answered.
//
// What is sent again, 3 times in all: everything after status 429; all but PATCH
// where no answer came, or 502, 503 or 504. A Retry-After of more than 10 s is
// left to the caller. What is created is created once nevertheless: each POST
// carries an idempotency key of its own. What is deleted may be gone when it is
// asked for again: that is success. The outcome of a PATCH without an answer is
// not known; with IfVersion it can be sent again safely.
//
// Redirects are not followed: the server sends none, and who does gets no token.
type Client struct {
	// URL is the server's origin, such as https://auth.example.com; required. One with
	// a query or fragment, be it empty, is an error of each call.
	URL string
	// HTTPClient attaches access tokens for the audience <URL>/admin; nil means
	// http.DefaultClient, which attaches none. Where an answer does not come within a
	// minute, or the caller's time, its idle connections are closed before the next
	// request, so that it has another.
	HTTPClient *http.Client
	// PageSize is how many items a list asks for at a time; 0 means 100, and
	// more than 500 no server gives.
	PageSize int

	line line.Line
}

const (
	maxAnswer = 16 << 20 // bytes
	maxError  = 64 << 10 // of an answer that is no success
)

// call is one request, without what all of them have.
type call struct {
	method, path string
	query        url.Values
	body         any   // nil: none
	ifVersion    int64 // 0: any
}

// do sends r, and reads the answer into out; nil where there is no content.
func (c *Client) do(ctx context.Context, r call, out any) error {
	for segment := range strings.SplitSeq(r.path[1:], "/") {
		if segment == "" || segment == "." || segment == ".." { // a way to another place (RFC 3986 5.2.4)
			return fmt.Errorf("no ID and no name is %q", segment)
		}
	}
	var body []byte
	if r.body != nil {
		var err error
		if body, err = json.Marshal(r.body); err != nil {
			return fmt.Errorf("writing the request: %w", err)
		}
	}
	once := ""
	if r.method == http.MethodPost {
		once = newIdempotencyKey()
	}
	return attempts{method: r.method}.run(ctx, func(ctx context.Context) error {
		req, err := c.request(ctx, r, body)
		if err != nil {
			return fmt.Errorf("making the request: %w", err)
		}
		if once != "" {
			req.Header.Set("Idempotency-Key", once)
		}
		c.line.Begin(c.client())
		err = c.send(req, out)
		c.line.End(err)
		return err
	})
}

func (c *Client) request(ctx context.Context, r call, body []byte) (*http.Request, error) {
	if strings.ContainsAny(c.URL, "?#") { // an empty one as well: it would take the path in, and the body went elsewhere
		return nil, errors.New("the URL has a query or a fragment")
	}
	target := strings.TrimSuffix(c.URL, "/") + "/admin/v1" + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.ifVersion != 0 {
		req.Header.Set("If-Match", `"`+strconv.FormatInt(r.ifVersion, 10)+`"`)
	}
	return req, nil
}

func (c *Client) client() *http.Client {
	if c.HTTPClient != nil {
		return c.HTTPClient
	}
	return http.DefaultClient
}

func (c *Client) send(req *http.Request, out any) error {
	client := *c.client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		answer, _ := io.ReadAll(io.LimitReader(resp.Body, maxError)) // the status tells enough
		return errorOf(resp, answer)
	}
	if (resp.StatusCode == http.StatusNoContent) != (out == nil) || out != nil && !isJSON(resp) {
		return foreign(resp)
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return &url.Error{Op: "reading the answer to " + req.Method, URL: req.URL.Redacted(), Err: err}
	case len(answer) > maxAnswer:
		return fmt.Errorf("the answer is larger than %d MiB", maxAnswer>>20)
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	return nil
}

func isJSON(resp *http.Response) bool {
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}

// newIdempotencyKey returns 128 random bits.
func newIdempotencyKey() string {
	var raw [16]byte
	rand.Read(raw[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

// page is one page of a list.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// list asks for page after page while the caller wants more; an error is the
// last item.
func list[T any](ctx context.Context, c *Client, path string, query url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		query := maps.Clone(query) // whoever ranges again begins again
		if c.PageSize != 0 {
			query.Set("limit", strconv.Itoa(c.PageSize))
		}
		for {
			var p page[T]
			err := c.do(ctx, call{method: http.MethodGet, path: path, query: query}, &p)
			if err == nil && p.Next != "" && p.Next == query.Get("cursor") {
				err = errors.New("the list does not go on: the server answered with the cursor that it was sent")
			}
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range p.Items {
				if !yield(item, nil) {
					return
				}
			}
			if p.Next == "" {
				return
			}
			query.Set("cursor", p.Next)
		}
	}
}

// Collect reads a whole list.
func Collect[T any](items iter.Seq2[T, error]) ([]T, error) {
	all := []T{}
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, nil
}

// get, post, patch and remove are the calls that most methods are.
func get[T any](ctx context.Context, c *Client, path string, query url.Values) (*T, error) {
	return answerOf[T](ctx, c, call{method: http.MethodGet, path: path, query: query})
}

func post[T any](ctx context.Context, c *Client, path string, body any, ifVersion int64) (*T, error) {
	return answerOf[T](ctx, c, call{method: http.MethodPost, path: path, body: body, ifVersion: ifVersion})
}

func patch[T any](ctx context.Context, c *Client, path string, body any, ifVersion int64) (*T, error) {
	return answerOf[T](ctx, c, call{method: http.MethodPatch, path: path, body: body, ifVersion: ifVersion})
}

func (c *Client) remove(ctx context.Context, path string, query url.Values, ifVersion int64) error {
	return c.do(ctx, call{method: http.MethodDelete, path: path, query: query, ifVersion: ifVersion}, nil)
}

func answerOf[T any](ctx context.Context, c *Client, r call) (*T, error) {
	out := new(T)
	if err := c.do(ctx, r, out); err != nil {
		return nil, err
	}
	return out, nil
}

// values is a query of the pairs whose value is not empty.
func values(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	return v
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
