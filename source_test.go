package tokenwright

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// C-250.
func TestConcurrentCallersShareOneExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: slow(time.Second, issue)}
		source := newSource(t, testConfig(s))
		var callers sync.WaitGroup
		for range 10_000 {
			callers.Go(func() {
				if token, err := source.Token(t.Context()); err != nil || token.AccessToken != "token-1" {
					t.Errorf("got %v, %v", token, err)
				}
			})
		}
		callers.Wait()
		s.expect(t, 1)
	})
}

// C-250.
func TestNothingIsFetchedWhileATokenIsFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		source := newSource(t, testConfig(s))
		for range 44 {
			get(t, source, "token-1")
			time.Sleep(time.Minute)
		}
		s.expect(t, 1)
	})
}

// C-250: the context of the source is not that of what waits.
func TestNothingIsSentBeforeATokenIsWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		newSource(t, testConfig(s))
		time.Sleep(time.Hour)
		s.expect(t, 0)
	})
}

// C-251: between 75 and 85 % of its life, not at one moment for all.
func TestATokenInUseIsRenewedEarlyAtMomentsThatDiffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const sources = 200
		s := &server{}
		began := time.Now()
		for range sources {
			source := newSource(t, testConfig(s))
			for range 2 {
				if _, err := source.Token(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		time.Sleep(52 * time.Minute)
		s.expect(t, 2*sources)
		tenths := map[time.Duration]int{} // of the interval
		for _, a := range s.requests()[sources:] {
			after := a.at.Sub(began)
			if after < 45*time.Minute || after > 51*time.Minute {
				t.Fatalf("renewed after %s of an hour", after)
			}
			tenths[(after-45*time.Minute)/(36*time.Second)]++
		}
		if len(tenths) < 9 {
			t.Errorf("renewals fall into %d tenths of the interval only", len(tenths))
		}
	})
}

// C-251: whoever uses a token never waits for the next one.
func TestNobodyWaitsForAnEarlyRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: slow(5*time.Second, issue)}
		source := newSource(t, testConfig(s))
		get(t, source, "token-1")
		for range 10 * 60 * 6 {
			began := time.Now()
			if _, err := source.Token(t.Context()); err != nil || time.Since(began) != 0 {
				t.Fatalf("waited %s: %v", time.Since(began), err)
			}
			time.Sleep(10 * time.Second)
		}
		if n := len(s.requests()); n < 12 || n > 14 {
			t.Errorf("%d exchanges in ten hours", n)
		}
	})
}

// C-251: a source that nobody uses keeps no API key busy.
func TestAnIdleSourceFetchesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		source := newSource(t, testConfig(s))
		get(t, source, "token-1")
		get(t, source, "token-1") // in use: one renewal by itself
		time.Sleep(24 * time.Hour)
		s.expect(t, 2)
		get(t, source, "token-3")
	})
}

// C-251: the first call after 80 % gets the old token, and brings the new one.
func TestALateCallBeginsTheRenewalAndDoesNotWaitForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		source := newSource(t, testConfig(s))
		get(t, source, "token-1")
		time.Sleep(55 * time.Minute)
		s.expect(t, 1)
		get(t, source, "token-1")
		synctest.Wait()
		s.expect(t, 2)
		get(t, source, "token-2")
	})
}

// C-251.
func TestATokenGoesOnWhileRenewalsFailAndNeverBeyondItsExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		c := testConfig(s)
		c.RetryFor = -1
		source := newSource(t, c)
		expiry := get(t, source, "token-1").Expiry
		s.set(refuse(http.StatusServiceUnavailable, "temporarily_unavailable"))
		for time.Until(expiry) > 10*time.Second {
			get(t, source, "token-1")
			time.Sleep(time.Second)
		}
		if err := getError(t, source); !errors.Is(err, ErrUnavailable) {
			t.Errorf("got %v", err)
		}
		// 15 minutes of tries every 7.5 s on average, after a quick beginning.
		if n := len(s.requests()); n < 40 || n > 250 {
			t.Errorf("%d tries", n)
		}
		s.set(nil)
		time.Sleep(maxBackoff)
		if token, err := source.Token(t.Context()); err != nil || token.AccessToken == "token-1" {
			t.Errorf("got %v, %v", token, err)
		}
	})
}

// C-251: whatever its life is.
func TestATokenIsNotHandedOutShortlyBeforeItsExpiry(t *testing.T) {
	for life, until := range map[string]time.Duration{"1": 900 * time.Millisecond, "60": 54 * time.Second, "3600": 3590 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			s := &server{answer: answerWith(`"expires_in":` + life)}
			c := testConfig(s)
			c.RetryFor = -1
			source := newSource(t, c)
			get(t, source, "token")
			s.set(refuse(http.StatusInternalServerError, "server_error"))
			time.Sleep(until - time.Millisecond)
			get(t, source, "token")
			time.Sleep(2 * time.Millisecond)
			getError(t, source)
		})
	}
}

// answerWith is a token with these members beside access_token and token_type.
func answerWith(members string) func(int, http.ResponseWriter, *http.Request) {
	return func(_ int, w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, `{"access_token":"token","token_type":"bearer",`+members+`}`)
	}
}

// C-251: its life counts from before it was asked for.
func TestATokenThatComesTooLateIsNotHandedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: slow(2*time.Second, answerWith(`"expires_in":2`))}
		c := testConfig(s)
		c.RetryFor = -1
		if err := getError(t, newSource(t, c)); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "expired before") {
			t.Errorf("got %v", err)
		}
	})
}

// C-257: of all times that a source compares, each has a monotonic reading (which
// those of synctest lack).
func TestTimesAreThoseOfTheMonotonicClock(t *testing.T) {
	source := newSource(t, testConfig(&server{})).(*source)
	token := get(t, source, "token-1")
	source.failures.note(errors.New("a failure"))
	source.replaced.allows(time.Now())
	for name, at := range map[string]time.Time{
		"the end": source.live.until, "Expiry": token.Expiry, "the pause": source.failures.until, "the brake": source.replaced.until,
	} {
		if !strings.Contains(at.String(), " m=") {
			t.Errorf("%s is %s", name, at)
		}
	}
}

// C-260.
func TestACallerWhoGivesUpDoesNotEndTheExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: slow(3*time.Second, issue)}
		source := newSource(t, testConfig(s))
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var callers sync.WaitGroup
		callers.Go(func() { // it is the one who begins the exchange
			if _, err := source.Token(impatient); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the impatient one got %v", err)
			}
		})
		synctest.Wait()
		for range 100 {
			callers.Go(func() {
				if _, err := source.Token(t.Context()); err != nil {
					t.Errorf("another one got %v", err)
				}
			})
		}
		callers.Wait()
		s.expect(t, 1)
	})
}

// C-260: the context of the source bounds all that it does by itself.
func TestNothingHappensAfterTheContextOfTheSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		ctx, cancel := context.WithCancel(t.Context())
		source, err := testConfig(s).TokenSource(ctx)
		if err != nil {
			t.Fatal(err)
		}
		get(t, source, "token-1")
		get(t, source, "token-1")
		cancel()
		time.Sleep(55 * time.Minute)
		get(t, source, "token-1") // it lives
		time.Sleep(5 * time.Minute)
		if err := getError(t, source); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		s.expect(t, 1)
	})
}

// C-260.
func TestTheContextOfTheSourceEndsWhatIsUnderWay(t *testing.T) {
	for name, answer := range map[string]func(int, http.ResponseWriter, *http.Request){
		"an exchange": slow(9*time.Second, issue), "a pause": refuse(http.StatusBadGateway, ""),
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &server{answer: answer}
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			source, err := testConfig(s).TokenSource(ctx)
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if err := getError(t, source); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 3*time.Second {
				t.Errorf("%s: got %v after %s", name, err, time.Since(began))
			}
		})
	}
}

// C-254: a source is for one configuration.
func TestSourcesShareNoTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		first := testConfig(s)
		first.Scopes = []string{"customers:read"}
		configs := []Config{first, first, first, first, first, first}
		configs[1].ClientID = "twc_demo_other"
		configs[2].Scopes = []string{"customers:read", "customers:write"}
		configs[3].Resource = "https://api.example.com"
		configs[4].URL, configs[4].Issuer = "", "https://auth.example.com/demo"
		configs[5].URL, configs[5].Issuer = "", "https://auth.example.com/production"
		seen := map[string]bool{}
		for _, c := range configs {
			token, err := newSource(t, c).Token(t.Context())
			if err != nil || seen[token.AccessToken] {
				t.Fatalf("got %v, %v", token, err)
			}
			seen[token.AccessToken] = true
		}
		for i, a := range s.requests() {
			c := configs[i]
			if a.form.Get("client_id") != c.ClientID || a.form.Get("scope") != strings.Join(c.Scopes, " ") || a.form.Get("resource") != c.Resource ||
				!strings.HasPrefix(a.url, c.URL+c.Issuer) {
				t.Errorf("request %d does not ask for what its configuration says: %s", i, a.url)
			}
		}
	})
}

// C-254.
func TestAChangedConfigurationDoesNotChangeItsSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		c := testConfig(s)
		c.Scopes = []string{"customers:read"}
		source := newSource(t, c)
		c.Scopes[0] = "customers:write"
		get(t, source, "token-1")
		if got := s.requests()[0].form.Get("scope"); got != "customers:read" {
			t.Errorf("asked for %s", got)
		}
	})
}
