package tokenwrighttest

import (
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
)

// C-308, C-159: of several cut-offs of an API key the highest counts.
func TestFeedListsWhatWasRevoked(t *testing.T) {
	iss := New(t, at(1764000000))
	if f := feed(t, iss, ""); f.Lineage != 1 || f.Seq != 0 || f.IssuedAt != 1764000000 || f.Expiry != 1764000600 || f.Partial || len(f.Cutoffs) != 0 {
		t.Errorf("an empty feed is %+v", f)
	}
	token, id := iss.Token(), iss.ClientID
	iss.RevokeToken(token)
	iss.RevokeToken(token)
	iss.RevokeClient(id)
	iss.RevokeClient(id)
	whole := feed(t, iss, "")
	if whole.Seq != 3 || len(whole.Cutoffs) != 1 || whole.Cutoffs[0] != (accesstoken.Cutoff{ClientID: id, Generation: 1764000002}) ||
		len(whole.Tokens) != 1 || whole.Tokens[0].ID.String() != claims(t, iss, token).ID || whole.Tokens[0].Expiry != 1764003600 {
		t.Errorf("the feed is %+v", whole)
	}
	if newer := feed(t, iss, "?after=2"); !newer.Partial || newer.After != 2 || newer.Seq != 3 || len(newer.Cutoffs) != 1 || len(newer.Tokens) != 0 {
		t.Errorf("what is newer is %+v", newer)
	}
	if ahead := feed(t, iss, "?after=9"); ahead.Partial || len(ahead.Tokens) != 1 {
		t.Errorf("for a reader that is ahead it is %+v", ahead)
	}
	if c := claims(t, iss, iss.Token()); c.Generation != 1764000002 {
		t.Errorf("a token that was made after the cut-off has the generation %d", c.Generation)
	}
}

// C-308: a token leaves the feed a minute after it has expired.
func TestFeedForgetsTokensThatAreOver(t *testing.T) {
	now := time.Unix(1764000000, 0)
	iss := New(t, WithClock(func() time.Time { return now }))
	iss.RevokeToken(iss.Token())
	now = now.Add(time.Hour + time.Minute)
	if f := feed(t, iss, ""); len(f.Tokens) != 1 {
		t.Errorf("within the leeway the feed is %+v", f)
	}
	now = now.Add(time.Second)
	if f := feed(t, iss, ""); len(f.Tokens) != 0 || f.Seq != 1 {
		t.Errorf("behind it the feed is %+v", f)
	}
}

// C-308: a restore kills every token so far and none later.
func TestRestoreBeginsALineage(t *testing.T) {
	iss := New(t, at(1764000000))
	iss.RevokeClient(iss.ClientID)
	last := claims(t, iss, iss.Token())
	iss.Restore()
	f := feed(t, iss, "?after=1&wait=30s") // at once: the older lineage is over
	if f.Lineage != 2 || f.Partial || f.MinGeneration <= last.Generation || len(f.Cutoffs) != 0 {
		t.Errorf("the feed is %+v", f)
	}
	if c := claims(t, iss, iss.Token()); c.Generation < f.MinGeneration {
		t.Errorf("a token that was made later has the generation %d", c.Generation)
	}
}

// C-308
func TestStaleFeedIsOfThePast(t *testing.T) {
	iss := New(t, at(1764000000))
	iss.StaleFeed(time.Hour)
	if f := feed(t, iss, ""); f.IssuedAt != 1764000000-3600 || f.Expiry != f.IssuedAt+600 {
		t.Errorf("the feed is %+v", f)
	}
	iss.StaleFeed(0)
	if f := feed(t, iss, ""); f.IssuedAt != 1764000000 {
		t.Errorf("the feed is %+v", f)
	}
}

// poll asks in the background, and returns once the request waits.
func poll(t *testing.T, iss *Issuer, query string) <-chan *answer {
	t.Helper()
	answers := make(chan *answer, 1)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, iss.URL+"/oauth/revocations"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(answers)
		if a, err := do(t, iss.Client(), r); err == nil {
			answers <- a
		}
	}()
	synctest.Wait()
	return answers
}

// C-308: readers that wait hear of each change at once, and of nothing else.
func TestWaitingReadersHearAtOnce(t *testing.T) {
	for name, change := range map[string]func(*Issuer){
		"a token":       func(iss *Issuer) { iss.RevokeToken(iss.Token()) },
		"a client":      func(iss *Issuer) { iss.RevokeClient("twc_demo_x") },
		"a key":         func(iss *Issuer) { iss.RevokeSigningKey() },
		"an API key":    func(iss *Issuer) { iss.RemoveKey(iss.ClientID) },
		"a restore":     func(iss *Issuer) { iss.Restore() },
		"a stale feed":  func(iss *Issuer) { iss.StaleFeed(time.Hour) },
		"a failure":     func(iss *Issuer) { iss.Fail(http.StatusServiceUnavailable, Revocations) },
		"nobody there":  func(iss *Issuer) { iss.Down() },
		"another's say": func(iss *Issuer) { iss.Answer(http.NotFound, Revocations) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				iss, begun := New(t, InProcess()), time.Now()
				answers := poll(t, iss, "?after=0&wait=30s")
				iss.RotateSigningKey()
				iss.Fail(http.StatusServiceUnavailable, JWKS, Metadata, Token)
				synctest.Wait()
				select {
				case a := <-answers:
					t.Fatalf("it was answered before: %v", a)
				default:
				}
				change(iss)
				<-answers
				if waited := time.Since(begun); waited != 0 {
					t.Errorf("it waited for %v", waited)
				}
			})
		})
	}
}

// C-308: without news a wait is over when it is over.
func TestWaitIsAnsweredWhenItIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		iss, begun := New(t, InProcess()), time.Now()
		f := readFeed(t, iss, <-poll(t, iss, "?after=0&wait=20s"))
		if waited := time.Since(begun); waited != 20*time.Second || !f.Partial || f.IssuedAt != time.Now().Unix() {
			t.Errorf("after %v the feed is %+v", waited, f)
		}
	})
}

// C-308
func TestOddPollsAreRefused(t *testing.T) {
	iss := New(t)
	for _, query := range []string{"?after=", "?after=x", "?after=-1", "?after=1&after=1", "?%", "?wait=1s", "?after=0&wait=1", "?after=0&wait=31s", "?after=0&wait=-1s"} {
		if a := get(t, iss, iss.URL+"/oauth/revocations"+query); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d", query, a.status)
		}
	}
}

// C-305: the end of the test waits for no reader, and leaves nothing running.
func TestCleanUpDoesNotWaitForReaders(t *testing.T) {
	const readers = 8
	goroutines := runtime.NumGoroutine()
	var running sync.WaitGroup
	var answered atomic.Int32
	begun := time.Now()
	t.Run("with readers", func(t *testing.T) {
		iss := New(t)
		for range readers {
			running.Go(func() {
				// Not the test's context, which ends before its cleanup.
				resp, err := iss.Client().Get(iss.URL + "/oauth/revocations?after=0&wait=30s")
				if err != nil {
					return
				}
				answered.Add(1)
				_ = resp.Body.Close()
			})
		}
		for iss.Requests(Revocations) < readers {
			time.Sleep(time.Millisecond)
		}
	})
	running.Wait()
	if took := time.Since(begun); took > 4*time.Second || answered.Load() != readers {
		t.Errorf("%d of %d readers were answered, after %v", answered.Load(), readers, took)
	}
	for runtime.NumGoroutine() > goroutines {
		if time.Since(begun) > 10*time.Second {
			t.Fatalf("%d goroutines are left, of %d before", runtime.NumGoroutine(), goroutines)
		}
		time.Sleep(time.Millisecond)
	}
}

// C-305: switches may be turned while requests come.
func TestSwitchesAreConcurrent(t *testing.T) {
	iss := New(t)
	var running sync.WaitGroup
	for _, turn := range []func(){
		func() { iss.RevokeToken(iss.Token()) },
		func() { iss.RevokeClient(iss.ClientID) },
		func() { iss.RotateSigningKey(); iss.DropSigningKeys() },
		func() { iss.AddKey(Key{Scopes: []string{"b:read", "a:read"}}); iss.Restore() },
		func() { iss.Delay(time.Millisecond, JWKS); iss.Up(); iss.StaleFeed(time.Second) },
		func() {
			get(t, iss, iss.URL+"/oauth/revocations?after=0&wait=1ms")
			get(t, iss, iss.URL+"/.well-known/openid-configuration")
		},
		func() { ask(t, iss, "client_id", iss.ClientID, "client_secret", iss.ClientSecret) },
	} {
		running.Go(func() {
			for range 20 {
				turn()
			}
		})
	}
	running.Wait()
	if n := iss.Requests(); n < 60 {
		t.Errorf("%d requests were counted", n)
	}
}
