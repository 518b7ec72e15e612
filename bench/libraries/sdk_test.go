package libraries

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/tokenwright/tokenwright"
	"github.com/tokenwright/tokenwright/tokenwrighttest"
)

// BenchmarkToken compares what hands out a token that is fresh, beside the clock
// that one of them reads for it.
func BenchmarkToken(b *testing.B) {
	iss := tokenwrighttest.New(b)
	takeTurns(b, []contender{
		{"tokenwright", serial(oursFresh(b, iss))},
		{"ReuseTokenSource", serial(theirsFresh(b, iss))},
		{"time.Now", serial(now)},
	})
}

// BenchmarkTokenCores is for -cpu 1,2.
func BenchmarkTokenCores(b *testing.B) {
	iss := tokenwrighttest.New(b)
	takeTurns(b, []contender{
		{"tokenwright", parallel(oursFresh(b, iss))},
		{"ReuseTokenSource", parallel(theirsFresh(b, iss))},
		{"time.Now", parallel(now)},
	})
}

// BenchmarkExpiry measures how long goroutines wait that all want a token when the
// one before has just died, from the first that asks to the last that has it, and
// how many requests they cause. Each takes a second more, for a token to die.
func BenchmarkExpiry(b *testing.B) {
	iss := tokenwrighttest.New(b)
	takeTurns(b, []contender{
		{"tokenwright", herd(iss, oursExpiring)},
		{"ReuseTokenSource", herd(iss, theirsExpiring)},
	})
}

func ours(b *testing.B, iss *tokenwrighttest.Issuer) tokenwright.TokenSource {
	config := tokenwright.Config{Issuer: iss.URL, ClientID: iss.ClientID, ClientSecret: iss.ClientSecret}
	s, err := config.TokenSource(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// theirs is golang.org/x/oauth2, told to use tokens until 0.1 s before their
// expiry, as ours does with tokens that live for a second.
func theirs(b *testing.B, iss *tokenwrighttest.Issuer) oauth2.TokenSource {
	config := clientcredentials.Config{
		ClientID: iss.ClientID, ClientSecret: iss.ClientSecret, TokenURL: iss.TokenURL, AuthStyle: oauth2.AuthStyleInHeader,
	}
	return oauth2.ReuseTokenSourceWithExpiry(nil, config.TokenSource(b.Context()), 100*time.Millisecond)
}

// oursFresh calls a source that has a token.
func oursFresh(b *testing.B, iss *tokenwrighttest.Issuer) func(int) error {
	s, ctx := ours(b, iss), context.Background()
	return fetched(b, func(int) error { _, err := s.Token(ctx); return err })
}

func theirsFresh(b *testing.B, iss *tokenwrighttest.Issuer) func(int) error {
	s := theirs(b, iss)
	return fetched(b, func(int) error { _, err := s.Token(); return err })
}

func fetched(b *testing.B, token func(int) error) func(int) error {
	if err := token(0); err != nil {
		b.Fatal(err)
	}
	return token
}

func now(int) error {
	if time.Now().IsZero() {
		return context.DeadlineExceeded
	}
	return nil
}

// source returns when the token dies that it hands out.
type source func() (expiry time.Time, err error)

func oursExpiring(b *testing.B, iss *tokenwrighttest.Issuer) source {
	s, ctx := ours(b, iss), context.Background()
	return func() (time.Time, error) {
		t, err := s.Token(ctx)
		if err != nil {
			return time.Time{}, err
		}
		return t.Expiry, nil
	}
}

func theirsExpiring(b *testing.B, iss *tokenwrighttest.Issuer) source {
	s := theirs(b, iss)
	return func() (time.Time, error) {
		t, err := s.Token()
		if err != nil {
			return time.Time{}, err
		}
		return t.Expiry, nil
	}
}

// waiting is how many goroutines want a token at its expiry.
const waiting = 10_000

func herd(iss *tokenwrighttest.Issuer, newSource func(*testing.B, *tokenwrighttest.Issuer) source) func(*testing.B) {
	return func(b *testing.B) {
		requests := 0
		for b.Loop() {
			b.StopTimer() // until all ask
			s := newSource(b, iss)
			iss.Answer(shortLived(iss), tokenwrighttest.Token)
			expiry, err := s()
			if err != nil {
				b.Fatal(err)
			}
			iss.Up(tokenwrighttest.Token)
			time.Sleep(time.Until(expiry))
			before := iss.Requests(tokenwrighttest.Token)
			askAtOnce(b, s)
			requests += iss.Requests(tokenwrighttest.Token) - before
		}
		if requests != b.N {
			b.Errorf("%d goroutines have caused %d requests for %d tokens", waiting, requests, b.N)
		}
		b.ReportMetric(float64(requests)/float64(b.N), "requests")
	}
}

// shortLived answers with a token that lives for a second. The one after it lives
// for an hour: however slow the machine is, nobody asks for a third.
func shortLived(iss *tokenwrighttest.Issuer) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":1}`, iss.Token(tokenwrighttest.ExpiresIn(time.Second)))
	}
}

// askAtOnce starts the timer, which is stopped, when all of them ask.
func askAtOnce(b *testing.B, s source) {
	var ready, done sync.WaitGroup
	begin := make(chan struct{})
	ready.Add(waiting)
	for range waiting {
		done.Go(func() {
			ready.Done()
			<-begin
			if _, err := s(); err != nil {
				b.Error(err)
			}
		})
	}
	ready.Wait()
	b.StartTimer()
	close(begin)
	done.Wait()
}
