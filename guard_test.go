package tokenwright

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// What no call from outside brings about at will: moments between two steps.

// C-250: who has seen no fresh token, and finds one a moment later.
func TestATokenOfThisVeryMomentIsNotRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		source := newSource(t, testConfig(s)).(*source)
		get(t, source, "token-1")
		if token, err := source.slowly(t.Context()); err != nil || token.AccessToken != "token-1" {
			t.Errorf("got %v, %v", token, err)
		}
		synctest.Wait()
		s.expect(t, 1)
	})
}

// C-251: a timer that is late, as after a pause of the whole process.
func TestADeadTokenIsNotHandedOutWhereItsTimerIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		source := newSource(t, testConfig(s)).(*source)
		dead := &held{token: Token{AccessToken: "dead"}, until: time.Now().Add(-1), timer: time.NewTimer(time.Hour)}
		source.live = dead
		get(t, source, "token-1")
		source.live = dead
		if token, err := source.Replace(t.Context(), &Token{AccessToken: "refused"}); err != nil || token.AccessToken != "token-2" {
			t.Errorf("got %v, %v", token, err)
		}
	})
}

// C-251: a timer that was already under way when another token came.
func TestTimersOfAnOldTokenDoNothingToTheNewOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		source := newSource(t, testConfig(s)).(*source)
		old := get(t, source, "token-1")
		h := source.live
		if _, err := source.Replace(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		source.due(h)
		source.dead(h)
		if source.fresh.Load() == nil || source.live == nil {
			t.Error("the new token is gone")
		}
	})
}

// C-251: one that dies between two steps of the one who fetched it.
func TestATokenThatDiesAsItComesIsNotHandedOutLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		source := newSource(t, testConfig(s)).(*source)
		source.mu.Lock()
		source.take(&Token{AccessToken: "dead", Expiry: time.Now().Add(-time.Second)})
		source.mu.Unlock()
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		get(t, source, "token-1")
	})
}

// C-260: nothing is sent for a caller who has gone before.
func TestACallerWhoHasGoneBeginsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		source := newSource(t, testConfig(s))
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := source.Token(gone); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		synctest.Wait()
		s.expect(t, 0)
	})
}

// C-252: the answer to a slow request comes when the token was replaced long ago.
func TestATokenThatWasReplacedIsNotReplacedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		source := newSource(t, testConfig(s)).(*source)
		old := get(t, source, "token-1")
		for range 3 {
			if token, err := source.Replace(t.Context(), old); err != nil || token == nil || token.AccessToken != "token-2" {
				t.Errorf("got %v, %v", token, err)
			}
		}
		s.expect(t, 2)
	})
}

// C-252: where there is no token at all, the brake is no reason to have none.
func TestARefusedTokenThatHasDiedIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		s.answer = func(n int, w http.ResponseWriter, r *http.Request) {
			reply(w, http.StatusOK, `{"access_token":"token-`+string(rune('0'+n))+`","expires_in":2,"token_type":"bearer"}`)
		}
		source := newSource(t, testConfig(s)).(*source)
		token := get(t, source, "token-1")
		for range 3 { // at 0 s, 1 s, and at 2.9 s, while the brake holds until 3 s
			var err error
			if token, err = source.Replace(t.Context(), token); err != nil || token == nil {
				t.Fatalf("got %v, %v", token, err)
			}
			if token.AccessToken == "token-2" {
				time.Sleep(time.Second)
			} else {
				time.Sleep(1900 * time.Millisecond)
			}
		}
	})
}

// C-253: who comes to a renewal that is in a pause beyond its patience is told at
// once; it is one in the background, whose own patience is long.
func TestNobodyJoinsAPauseThatIsTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		source := newSource(t, testConfig(s)).(*source)
		token := get(t, source, "token-1")
		s.set(failing(1000, 503, "60"))
		time.Sleep(52 * time.Minute)
		get(t, source, "token-1")
		synctest.Wait() // the renewal has failed, and waits a minute
		began := time.Now()
		if other, err := source.Replace(t.Context(), token); err == nil || time.Since(began) != 0 {
			t.Errorf("got %v after %s", other, time.Since(began))
		}
	})
}

// C-253: one try stays one try where it is that of a renewal in the background.
func TestWhoWantsOneTryDoesNotWaitForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		c := testConfig(s)
		c.RetryFor = -1
		source := newSource(t, c).(*source)
		token := get(t, source, "token-1")
		s.set(slow(9*time.Second, refuse(503, "")))
		time.Sleep(52 * time.Minute)
		get(t, source, "token-1")
		synctest.Wait()
		began := time.Now()
		if other, err := source.Replace(t.Context(), token); err == nil || time.Since(began) > tryLimit+time.Second {
			t.Errorf("got %v after %s", other, time.Since(began))
		}
	})
}

// C-251: a renewal that began for the old token goes on for those who need a new
// one.
func TestARenewalInTheBackgroundGoesOnForWhoWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		source := newSource(t, testConfig(s))
		get(t, source, "token-1")
		s.set(slow(9*time.Second, failing(2, 503, "")))
		time.Sleep(time.Hour - 12*time.Second)
		get(t, source, "token-1") // and 2 s later it is dead
		time.Sleep(2 * time.Second)
		get(t, source, "token-3")
	})
}

// C-253: an outage that is over does not make the next one worse.
func TestASuccessEndsTheMemoryOfFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: failing(8, 503, "")}
		c := testConfig(s)
		c.RetryFor = 5 * time.Minute
		source := newSource(t, c)
		get(t, source, "token-9")
		for range 20 {
			time.Sleep(time.Hour)
			n := len(s.requests())
			s.set(failing(n+1, 503, ""))
			began := time.Now()
			if _, err := source.Token(t.Context()); err != nil || time.Since(began) > minBackoff {
				t.Fatalf("got %v after %s", err, time.Since(began))
			}
		}
	})
}

// C-253: a secret that may come from a vault is not asked for with every call.
func TestASecretIsReadOnceASecondWhileItIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: refuse(401, "invalid_client")}
		reads := 0
		c := testConfig(s)
		c.ClientSecret, c.ClientSecretFunc = "", func(context.Context) (string, error) {
			reads++
			return testSecret, nil
		}
		source := newSource(t, c)
		for range 100 { // 10 s
			for range 100 {
				getError(t, source)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if reads < 10 || reads > 22 { // once a second, and twice with each of 4 exchanges
			t.Errorf("it was read %d times", reads)
		}
		s.expect(t, 4)
	})
}

// C-253: what is remembered is the secret that was refused last.
func TestTheSecondSecretThatIsRefusedIsRememberedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: refuse(http.StatusUnauthorized, "")} // the status alone will do
		secrets := []string{"old"}
		c := testConfig(s)
		c.ClientSecret, c.ClientSecretFunc = "", func(context.Context) (string, error) {
			secret := secrets[0]
			secrets = []string{"new"}
			return secret, nil
		}
		source := newSource(t, c)
		getError(t, source)
		s.expect(t, 2)
		for range 9 {
			getError(t, source)
			time.Sleep(100 * time.Millisecond)
		}
		s.expect(t, 2)
	})
}

// C-253: another secret than the one that was refused is tried again, as every one
// is, where the server is away at that moment.
func TestANewSecretIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: refuse(http.StatusUnauthorized, "invalid_client")}
		secret := "old"
		c := testConfig(s)
		c.ClientSecret, c.ClientSecretFunc = "", func(context.Context) (string, error) { return secret, nil }
		source := newSource(t, c)
		getError(t, source)
		secret = "new"
		s.set(failing(2, http.StatusServiceUnavailable, ""))
		get(t, source, "token-3")
		for i, want := range []string{"old", "new", "new"} {
			if got := s.requests()[i].form.Get("client_secret"); got != want {
				t.Errorf("exchange %d was by the %s secret", i+1, got)
			}
		}
	})
}

// C-251: a record only where nobody hears of the failure, and only once.
func TestAFailureThatACallerHearsOfIsNotLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, answer := range map[string]func(int, http.ResponseWriter, *http.Request){
			"refused": refuse(401, "invalid_client"), "away": refuse(503, ""),
		} {
			var log strings.Builder
			c := testConfig(&server{answer: answer})
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
			getError(t, newSource(t, c))
			synctest.Wait()
			if log.Len() != 0 {
				t.Errorf("%s: %s", name, log.String())
			}
		}
	})
}

func TestLookingForAnotherSecretIsNoFailureOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		s := &server{}
		c := testConfig(s)
		c.ClientSecret, c.ClientSecretFunc = "", func(context.Context) (string, error) { return testSecret, nil }
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		source := newSource(t, c)
		get(t, source, "token-1")
		time.Sleep(52 * time.Minute)
		s.set(refuse(401, "invalid_client"))
		for range 100 {
			get(t, source, "token-1")
			synctest.Wait()
			time.Sleep(10 * time.Millisecond)
		}
		if n := strings.Count(log.String(), "\n"); n != 1 {
			t.Errorf("%d records:\n%s", n, log.String())
		}
	})
}

// C-260: the end of a program is no failure.
func TestARenewalThatItsContextEndsIsNotLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		s := &server{}
		c := testConfig(s)
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		ctx, cancel := context.WithCancel(t.Context())
		source, err := c.TokenSource(ctx)
		if err != nil {
			t.Fatal(err)
		}
		get(t, source, "token-1")
		s.set(slow(time.Minute, issue))
		time.Sleep(52 * time.Minute)
		get(t, source, "token-1")
		synctest.Wait()
		cancel()
		synctest.Wait()
		if s.expect(t, 2); log.Len() != 0 {
			t.Error(log.String())
		}
	})
}

// C-250, C-253: what is due to chance, or to many at once, in one run with the
// race detector.
func TestManyCallersAndRefusalsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: func(n int, w http.ResponseWriter, r *http.Request) {
			switch {
			case n%5 == 0:
				refuse(503, "")(n, w, r)
			case n%7 == 0:
				refuse(401, "invalid_client")(n, w, r)
			default:
				slow(50*time.Millisecond, answerWith(`"expires_in":2`))(n, w, r)
			}
		}}
		source := newSource(t, testConfig(s)).(*source)
		var callers sync.WaitGroup
		for i := range 100 {
			callers.Go(func() {
				for range 100 {
					token, err := source.Token(t.Context())
					if err == nil && i%10 == 0 {
						_, _ = source.Replace(t.Context(), token)
					}
					time.Sleep(time.Duration(100+i) * time.Millisecond)
				}
			})
		}
		callers.Wait()
		if n := len(s.requests()); n < 8 || n > 60 {
			t.Errorf("%d exchanges in about 20 s", n)
		}
	})
}
