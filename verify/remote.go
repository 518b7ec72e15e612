package verify

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokenwright/tokenwright/internal/strictjson"
)

// remote follows an issuer over HTTP. Its goroutines begin with start and end
// with close.
type remote struct {
	issuer      string
	metadataURL string
	maxStale    time.Duration // as configured; 0 is as the metadata say
	strict      time.Duration // 0 is no stricter
	documents   *fetcher
	logger      *slog.Logger
	metadata    atomic.Pointer[metadata] // nil until they have been read
	keys        *followedKeys
	feed        *followedFeed

	ctx     context.Context // done with close
	cancel  context.CancelFunc
	running sync.WaitGroup
}

func newRemote(c *Config) (*remote, error) {
	u, err := checkURL(c.Issuer)
	if err != nil {
		return nil, fmt.Errorf("the issuer is %w", err)
	}
	r := &remote{
		issuer: c.Issuer,
		// RFC 8414 3: the well-known part stands before the issuer's path.
		metadataURL: u.Scheme + "://" + u.Host + "/.well-known/oauth-authorization-server" + u.EscapedPath(),
		maxStale:    c.MaxStale, strict: c.FailClosedAfter, documents: fetcherOf(c.HTTPClient), logger: c.Logger,
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.keys = &followedKeys{remote: r, clock: c.Clock}
	r.feed = &followedFeed{remote: r, clock: c.Clock}
	return r, nil
}

// start reads everything once, or lets that be done behind it, and goes on from
// there.
func (r *remote) start(ctx context.Context, unready bool) error {
	if !unready {
		ctx, cancel := context.WithTimeout(ctx, fetchTimeout) // somebody waits
		defer cancel()
		if err := r.reach(ctx); err != nil {
			r.close()
			return err
		}
	}
	r.running.Go(func() {
		if !unready || r.reachAtLast() {
			r.running.Go(r.keys.follow)
			r.feed.follow()
		}
	})
	return nil
}

func (r *remote) close() {
	r.keys.mu.Lock()
	r.cancel()
	r.keys.mu.Unlock()
	r.running.Wait()
	r.documents.CloseIdleConnections()
}

// reach reads metadata, keys and revocations, each within a time of its own.
func (r *remote) reach(ctx context.Context) error {
	m, err := r.readMetadata(ctx)
	if err != nil {
		return fmt.Errorf("reading metadata: %w", err)
	}
	r.metadata.Store(m)
	if err := r.keys.refresh(ctx); err != nil {
		return err
	}
	return r.feed.read(ctx, 0)
}

// reachAtLast tries until it succeeds, or r is closed: then it returns false.
func (r *remote) reachAtLast() bool {
	for failures := 1; ; failures++ {
		err := r.reach(r.ctx)
		if err == nil {
			r.logger.Info("the issuer of access tokens is reached", "issuer", r.issuer)
			return true
		}
		if failures == 1 && r.ctx.Err() == nil {
			r.logger.Error("the issuer of access tokens cannot be reached; until it is, no token is accepted", "issuer", r.issuer, "error", err)
		}
		if !sleep(r.ctx, retryPause(err, failures)) {
			return false
		}
	}
}

// metadata is what is used of RFC 8414 2, and of two members of our own.
type metadata struct {
	jwksURI, revocationsURI string
	maxStale                time.Duration
}

func (r *remote) readMetadata(ctx context.Context) (*metadata, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	d, err := r.documents.fetch(ctx, r.metadataURL, "application/json", 64<<10)
	if err != nil {
		return nil, err
	}
	object, err := strictjson.ParseObject(string(d.body))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.metadataURL, err)
	}
	text := func(name string) string {
		member, _ := object.Get(name)
		value, _ := member.Text()
		return value
	}
	if issuer := text("issuer"); issuer != r.issuer { // RFC 8414 3.3
		return nil, fmt.Errorf("%s: the metadata are those of %q", r.metadataURL, issuer)
	}
	m := &metadata{jwksURI: text("jwks_uri"), revocationsURI: text("revocations_uri")}
	for _, address := range []string{m.jwksURI, m.revocationsURI} {
		if _, err := checkURL(address); err != nil {
			return nil, fmt.Errorf("%s: jwks_uri and revocations_uri: %q is %w", r.metadataURL, address, err)
		}
	}
	member, _ := object.Get("access_token_lifetime")
	seconds, _ := member.Int64()
	lifetime := cmp.Or(time.Duration(max(0, min(seconds, 86400)))*time.Second, time.Hour)
	m.maxStale = cmp.Or(r.maxStale, max(lifetime, feedLifetime))
	if r.strict > 0 {
		m.maxStale = min(m.maxStale, r.strict)
	}
	return m, nil
}
