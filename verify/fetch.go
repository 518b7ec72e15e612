package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/line"
)

// fetchTimeout is how long a document may take that is answered at once.
const fetchTimeout = 10 * time.Second

// document is what an address has answered with status 200.
type document struct {
	body         []byte
	cacheControl string
}

// statusError is any other status.
type statusError struct {
	status     int
	retryAfter time.Duration // 0 where the answer does not say
}

// Error implements error.
func (e *statusError) Error() string { return "answered with status " + strconv.Itoa(e.status) }

// fetcher reads documents.
type fetcher struct {
	*http.Client
	line line.Line
}

// fetch reads a document of that content type and at most size bytes.
func (f *fetcher) fetch(ctx context.Context, address, contentType string, size int64) (*document, error) {
	f.line.Begin(f.Client)
	d, err := f.get(ctx, address, contentType, size)
	f.line.End(err)
	return d, err
}

func (f *fetcher) get(ctx context.Context, address, contentType string, size int64) (*document, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", contentType)
	r.Header.Set("User-Agent", "tokenwright-verify")
	resp, err := f.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK { // a redirect as well (C-118)
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return nil, fmt.Errorf("%s: %w", address, &statusError{resp.StatusCode, time.Duration(max(0, min(seconds, 3600))) * time.Second})
	}
	if media, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || media != contentType {
		return nil, fmt.Errorf("%s: not %s, but %q", address, contentType, resp.Header.Get("Content-Type"))
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, size+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", address, err)
	case int64(len(body)) > size:
		return nil, fmt.Errorf("%s: larger than %d bytes", address, size)
	}
	return &document{body, resp.Header.Get("Cache-Control")}, nil
}

// fetcherOf has a client of our own that follows no redirect and sends no cookie
// (C-118). Contexts bound its requests, of which some wait on purpose.
func fetcherOf(given *http.Client) *fetcher {
	var client http.Client
	if given != nil {
		client = *given
	}
	if client.Transport == nil {
		client.Transport = line.Transport()
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client.Jar, client.Timeout = nil, 0
	return &fetcher{Client: &client}
}

// checkURL accepts https, and http on a loopback host: whoever can alter these
// documents on their way can make tokens.
func checkURL(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.User != nil || strings.ContainsAny(address, "?#"): // an empty one as well: a query is added
		return nil, errors.New("not the URL of a host, without query, user and fragment")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return u, nil
	}
	return nil, errors.New("not https, nor http on a loopback host")
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost") // RFC 6761 6.3
}

// maxAge reads the directive of Cache-Control (RFC 9111 5.2.2.1).
func maxAge(cacheControl string) (time.Duration, bool) {
	for directive := range strings.SplitSeq(cacheControl, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		if !strings.EqualFold(name, "max-age") {
			continue
		}
		seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
		return time.Duration(seconds) * time.Second, err == nil
	}
	return 0, false
}

// retryPause is how long to wait after so many failures in a row: as the answer
// says, else 0.25 s and twice as long each time up to 5 s; always with as much
// again by chance at most, for many ask the same server.
func retryPause(err error, failures int) time.Duration {
	pause := min(5*time.Second, 250*time.Millisecond<<min(failures-1, 10))
	if status, ok := errors.AsType[*statusError](err); ok && status.retryAfter > 0 {
		pause = min(status.retryAfter, time.Minute)
	}
	return pause + rand.N(pause)
}

// sleep waits, and tells whether ctx is not done.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
