package leaks

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/verify"
)

const (
	// endLimit is how long the database may take for one report.
	endLimit = 10 * time.Second
	// firstPause and longestPause are between tries while the database is away.
	firstPause   = 250 * time.Millisecond
	longestPause = 10 * time.Second
	// stopLimit is how long a server that ends works off what waits.
	stopLimit = 5 * time.Second
	// idle times as long as a report took the worker pauses: a flood of reports
	// of what might be a secret keeps a fifth of a core busy, no more.
	idle = 4
)

// Run works off reports until ctx is done, which is to be after the last request
// is answered, and then, for a moment, those that are left. The caller owns the
// goroutine it runs in.
func (h *Handler) Run(ctx context.Context) {
	h.workOff(ctx, h.waiting.added)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
	defer cancel()
	h.workOff(ctx, nil)
	if n := h.waiting.len(); n > 0 {
		h.logger.Error("reports of leaks are lost", "reports", n)
	}
}

// workOff works off reports until ctx is done; or, where nothing tells of more,
// until none is left, without pause. That it fails is told once, until it works
// again. A report that failed goes behind the others, so that it holds up none.
func (h *Handler) workOff(ctx context.Context, more <-chan struct{}) {
	failures := 0
	for ctx.Err() == nil {
		f, ok := h.waiting.take()
		if !ok {
			if more == nil {
				return
			}
			select {
			case <-ctx.Done():
			case <-more:
			}
			continue
		}
		began := time.Now()
		err := h.end(ctx, f)
		pause := idle * time.Since(began)
		switch {
		case err == nil && failures > 0:
			h.logger.Info("working off reports of leaks works again")
			failures = 0
		case err != nil:
			h.waiting.putBack(f)
			if failures == 0 && ctx.Err() == nil {
				h.logger.Error("working off reports of leaks failed", "error", err)
			}
			pause = backoff(failures)
			failures++
		}
		if err != nil || more != nil {
			sleep(ctx, pause)
		}
	}
}

// backoff is how long to wait after so many failures before the last one.
func backoff(failures int) time.Duration {
	pause := min(firstPause<<min(failures, 10), longestPause)
	return pause/2 + rand.N(pause/2)
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// end makes of no use what was found, where it is of use: ErrInvalid of a
// verifier says that it is none of its tokens, everything else that nobody knows.
func (h *Handler) end(ctx context.Context, f finding) error {
	ctx, cancel := context.WithTimeout(ctx, endLimit)
	defer cancel()
	// It may have been made a moment ago, at another node.
	if err := h.authority.CatchUp(ctx); err != nil {
		return err
	}
	if !isToken(f.credential) {
		return h.authority.ReportLeakedSecret(ctx, f.actor, f.credential, f.url)
	}
	return h.endToken(ctx, f)
}

// isToken tells an access token from a client secret: a JWS has two dots, a
// secret none.
func isToken(credential string) bool { return strings.Contains(credential, ".") }

// endToken ends the tokens of the API key to which the one found belongs, if any
// issuer here has signed it, and it is alive.
func (h *Handler) endToken(ctx context.Context, f finding) error {
	for _, v := range h.verifiers {
		claims, err := v.Verify(ctx, f.credential)
		switch {
		case errors.Is(err, verify.ErrInvalid):
			continue
		case err != nil:
			return err
		case claims.Expiry <= h.authority.Now().Unix(): // the leeway is for clocks of others
			return nil
		}
		return h.authority.ReportLeakedToken(ctx, f.actor, claims, f.url)
	}
	return nil
}
