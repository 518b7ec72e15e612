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
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Client calls the admin API of one server. Its methods are safe for concurrent
// use, and return an *Error for what the server has refused.
//
// What is created is created once: each POST carries an idempotency key of its
// own, and is sent again where the connection broke or the server said to wait.
type Client struct {
	// URL is the server's origin, such as https://auth.example.com; required.
	URL string
	// HTTPClient attaches access tokens for the audience <URL>/admin; nil means
	// http.DefaultClient, which attaches none.
	HTTPClient *http.Client
	// PageSize is how many items a list asks for at a time; 0 means 100, and
	// more than 500 no server gives.
	PageSize int
}

const (
	maxAnswer = 16 << 20 // bytes
	// attempts is how often a request is sent at most.
	attempts = 3
	// patience is the longest Retry-After that is waited for.
	patience = 10 * time.Second
)

// call is one request, without what all of them have.
type call struct {
	method, path string
	query        url.Values
	body         any   // nil: none
	ifVersion    int64 // 0: any
}

// do sends c, and reads the answer into out, where it is not nil.
func (c *Client) do(ctx context.Context, r call, out any) error {
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
	for attempt := 1; ; attempt++ {
		err := c.send(ctx, r, body, once, out)
		wait, again := retry(err)
		if !again || attempt == attempts || r.method != http.MethodGet && once == "" {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(max(wait, time.Duration(attempt)*100*time.Millisecond)):
		}
	}
}

// retry tells whether a request may be sent again, and after how long.
func retry(err error) (time.Duration, bool) {
	if err == nil {
		return 0, false
	}
	var refused *Error
	if !errors.As(err, &refused) {
		var broken *url.Error // no answer came; whoever has cancelled does not wait
		return 0, errors.As(err, &broken) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
	}
	busy := refused.Status == http.StatusTooManyRequests || refused.Status == http.StatusServiceUnavailable
	return refused.RetryAfter, busy && refused.RetryAfter <= patience
}

func (c *Client) send(ctx context.Context, r call, body []byte, once string, out any) error {
	target := c.URL + "/admin/v1" + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("making the request: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if once != "" {
		req.Header.Set("Idempotency-Key", once)
	}
	if r.ifVersion != 0 {
		req.Header.Set("If-Match", `"`+strconv.FormatInt(r.ifVersion, 10)+`"`)
	}
	client := c.HTTPClient
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case err != nil:
		return fmt.Errorf("reading the answer: %w", err)
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return errorOf(resp, answer)
	case out == nil || resp.StatusCode == http.StatusNoContent:
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	return nil
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
		if c.PageSize != 0 {
			query.Set("limit", strconv.Itoa(c.PageSize))
		}
		for {
			var p page[T]
			if err := c.do(ctx, call{method: http.MethodGet, path: path, query: query}, &p); err != nil {
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
