package tokenwright

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// renewal is tries to get a token, with pauses between, which all share who wait
// for it (C-250). It ends with a token, with a refusal, or when the time is over
// that anybody has for it; it is nobody's, so none of them ends it (C-260).
type renewal struct {
	next  time.Time     // when the next try begins; guarded by source.mu, as until
	until time.Time     // no try begins later
	look  bool          // try only if there is another secret than the one that was refused
	done  chan struct{} // closed when it has ended
	held  *held         // one of these two, then
	err   error
}

// failures are those since the last token.
type failures struct {
	count  int
	last   error
	until  time.Time // until when the server is left alone
	secret string    // that the server has refused
	looked time.Time // when it was last read
}

// lookPause is how often a secret is read only to see whether it is another one.
const lookPause = time.Second

// renew joins the renewal that is under way, or begins one, for somebody who
// waits until then. The error is that of a server which is to be left alone for
// longer. s.mu is locked.
func (s *source) renew(until time.Time) (*renewal, error) {
	if s.ctx.Err() != nil {
		return nil, s.ended()
	}
	if r := s.renewal; r != nil {
		if r.next.After(until) {
			return nil, s.failures.last
		}
		if until.After(r.until) {
			r.until = until
		}
		return r, nil
	}
	r := &renewal{until: until, done: make(chan struct{})}
	if f, now := &s.failures, time.Now(); now.Before(f.until) {
		switch {
		case errors.Is(f.last, ErrUnavailable):
			if f.until.After(until) {
				return nil, f.last
			}
			r.next = f.until
		case now.Sub(f.looked) < lookPause:
			return nil, f.last
		default:
			f.looked, r.look = now, true
		}
	}
	s.renewal = r
	go s.run(r)
	return r, nil
}

// ended says that nothing happens in the background any more.
func (s *source) ended() error {
	return fmt.Errorf("the context given to the token source is done: %w", context.Cause(s.ctx))
}

// run makes the tries of a renewal.
func (s *source) run(r *renewal) {
	for next, again := r.next, true; again; {
		if !sleepUntil(s.ctx, next) {
			s.note(r, nil, s.ended())
			return
		}
		token, err := s.try(r.look)
		next, again = s.note(r, token, err)
	}
}

var errSameSecret = errors.New("the secret is the one that was refused")

// try exchanges the secret for a token. Where it is refused, but has been changed
// meanwhile, the new one gets its chance.
func (s *source) try(look bool) (*Token, error) {
	secret, err := s.readSecret()
	if err == nil && look && secret == s.failures.secret {
		return nil, errSameSecret
	}
	s.failures.secret = secret // of this goroutine, until the renewal has ended
	if err != nil {
		return nil, err
	}
	token, err := s.exchanger.exchange(s.ctx, secret)
	if isRefusedSecret(err) {
		if other, readErr := s.readSecret(); readErr == nil && other != secret {
			s.failures.secret = other
			token, err = s.exchanger.exchange(s.ctx, other)
		}
	}
	if err == nil && time.Until(token.Expiry) <= 0 {
		return nil, unavailable(errors.New("the access token had expired before it came"))
	}
	return token, err
}

func (s *source) readSecret() (string, error) {
	ctx, cancel := context.WithTimeout(s.ctx, tryLimit)
	defer cancel()
	return s.config.secret(ctx)
}

func isRefusedSecret(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Code == "invalid_client" || e.Status == http.StatusUnauthorized)
}

// note takes what has come of a try, and says when the next one begins; or ends
// the renewal. Records are written without the lock: who gets them may want a
// token to send them.
func (s *source) note(r *renewal, token *Token, err error) (next time.Time, again bool) {
	s.mu.Lock()
	next, again = s.conclude(r, token, err)
	secretExpires := s.newExpiry(token)
	lonely := err != nil && !errors.Is(err, errSameSecret) && s.live != nil && s.failures.count == 1 && s.ctx.Err() == nil
	s.mu.Unlock()

	if lonely {
		s.config.logger().Warn("renewing the access token has failed; the old one goes on while it lives",
			slog.String("client_id", s.config.ClientID), slog.Any("error", err))
	}
	if !secretExpires.IsZero() {
		s.config.logger().Warn("the client secret is about to expire",
			slog.String("client_id", s.config.ClientID), slog.Time("expires", secretExpires))
	}
	return next, again
}

// conclude is note without its records. s.mu is locked.
func (s *source) conclude(r *renewal, token *Token, err error) (next time.Time, again bool) {
	switch {
	case err == nil:
		s.failures = failures{}
		r.held = s.take(token)
	case errors.Is(err, errSameSecret):
		r.err = s.failures.last
	default:
		if next = s.failures.note(err); errors.Is(err, ErrUnavailable) && !next.After(r.until) {
			r.next, r.look = next, false // what the server has not refused is tried again
			return next, true
		}
		r.err = err
	}
	s.renewal = nil
	close(r.done)
	return time.Time{}, false
}

// newExpiry returns when the secret expires, if no warning has said so yet.
func (s *source) newExpiry(t *Token) time.Time {
	if t == nil || t.SecretExpires.IsZero() || t.SecretExpires.Equal(s.warnedOf) {
		return time.Time{}
	}
	s.warnedOf = t.SecretExpires
	return s.warnedOf
}

func (f *failures) note(err error) (next time.Time) {
	f.count++
	f.last = err
	f.until = time.Now().Add(pause(err, f.count))
	return f.until
}
