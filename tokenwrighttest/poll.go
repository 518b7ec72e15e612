package tokenwrighttest

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const maxWait = 30 * time.Second

// revocations is the feed of the issuer. With after it lists what is newer, and
// with wait it is answered when there is something, or when the time is over.
func (iss *Issuer) revocations(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	noStore(h)
	if err := methods(w, r, http.MethodGet, http.MethodHead); err != nil {
		return err
	}
	after, wait, err := readPoll(r.URL.RawQuery)
	if err != nil {
		return err
	}
	if wait > 0 {
		before, _ := iss.state(Revocations)
		iss.await(r.Context(), after, wait)
		if now, _ := iss.state(Revocations); now.delay > before.delay {
			iss.delayed(r, Revocations)
		}
		if iss.misbehaves(w, r, Revocations) {
			return nil
		}
	}
	feed, err := iss.feed(after)
	if err != nil {
		return err
	}
	h.Set("Content-Type", "application/jwt")
	_, _ = w.Write(feed) // the client may be gone: nothing to do about it
	return nil
}

// readPoll reads after and wait. Other parameters are ignored.
func readPoll(query string) (after int64, wait time.Duration, err error) {
	values, err := url.ParseQuery(query)
	if err != nil || len(values["after"]) > 1 {
		return 0, 0, oddAfter
	}
	after = wholeFeed
	if text, ok := values["after"]; ok {
		if after, err = strconv.ParseInt(text[0], 10, 64); err != nil || after < 0 {
			return 0, 0, oddAfter
		}
	}
	if text, ok := values["wait"]; ok {
		if wait, err = time.ParseDuration(text[0]); err != nil || len(text) > 1 || wait < 0 || wait > maxWait || after == wholeFeed {
			return 0, 0, oddWait
		}
	}
	return after, wait, nil
}

// await waits for more than after: until there is, something has begun that
// every reader shall hear of, the time is over, the client has gone, or the
// issuer ends.
func (iss *Issuer) await(ctx context.Context, after int64, wait time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	defer context.AfterFunc(iss.closed, cancel)()
	iss.mu.Lock()
	begun := iss.known.begun
	iss.mu.Unlock()
	for {
		iss.mu.Lock()
		f, changed := iss.faults[Revocations], iss.changed
		answer := f.broken() || iss.known.begun != begun || iss.known.seq > after
		iss.mu.Unlock()
		if answer {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}
