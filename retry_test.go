package tokenwright

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// failing answers so many requests with a status, and then with tokens.
func failing(times, status int, retryAfter string) func(int, http.ResponseWriter, *http.Request) {
	return func(n int, w http.ResponseWriter, r *http.Request) {
		if n > times {
			issue(n, w, r)
			return
		}
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		refuse(status, "temporarily_unavailable")(n, w, r)
	}
}

// C-253.
func TestAServerThatIsOverloadedOrAwayIsAskedAgain(t *testing.T) {
	for _, status := range []int{429, 500, 502, 503, 504} {
		synctest.Test(t, func(t *testing.T) {
			s := &server{answer: failing(4, status, "")}
			began := time.Now()
			get(t, newSource(t, testConfig(s)), "token-5")
			if took := time.Since(began); took > 4*time.Second { // 0.25 + 0.5 + 1 + 2 s at most
				t.Errorf("%d: it took %s", status, took)
			}
		})
	}
}

// broken is a network that lets through what comes after so many requests.
type broken struct {
	http.RoundTripper
	times int
}

func (b *broken) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.times--; b.times >= 0 {
		return nil, errors.New("connection reset")
	}
	return b.RoundTripper.RoundTrip(r)
}

// C-253.
func TestANetworkThatFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		c := testConfig(s)
		c.HTTPClient.Transport = &broken{inProcess{s}, 3}
		get(t, newSource(t, c), "token-1")
	})
}

// C-253: as is an answer that does not come, for one try ends after 10 s.
func TestAServerThatDoesNotAnswerIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		s.answer = func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				slow(time.Hour, issue)(n, w, r)
				return
			}
			issue(n, w, r)
		}
		began := time.Now()
		get(t, newSource(t, testConfig(s)), "token-2")
		if took := time.Since(began); took < tryLimit || took > tryLimit+time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// C-253: full jitter below 0.25 s, then twice as much each time, up to 15 s.
func TestPausesGrowAndDiffer(t *testing.T) {
	failure := unavailable(&Error{Status: 503})
	for failures, most := range map[int]time.Duration{
		1: 250 * time.Millisecond, 2: 500 * time.Millisecond, 6: 8 * time.Second, 7: 15 * time.Second, 1000: 15 * time.Second,
	} {
		least, largest := time.Hour, time.Duration(0)
		for range 1000 {
			p := pause(failure, failures)
			least, largest = min(least, p), max(largest, p)
		}
		if least <= 0 || least > most/10 || largest > most || largest < most*9/10 {
			t.Errorf("after %d failures: %s to %s", failures, least, largest)
		}
	}
}

// C-253: many are told the same moment, and must not come back in the same one.
func TestRetryAfterHasJitter(t *testing.T) {
	failure := unavailable(&Error{Status: 503, RetryAfter: 10 * time.Second})
	least, largest := time.Hour, time.Duration(0)
	for range 1000 {
		p := pause(failure, 1)
		least, largest = min(least, p), max(largest, p)
	}
	if least < 10*time.Second || least > 10200*time.Millisecond || largest < 11800*time.Millisecond || largest > 12*time.Second {
		t.Errorf("%s to %s", least, largest)
	}
}

// C-253: never sooner than the server says, nor later than a minute and jitter.
func TestRetryAfterIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for value, want := range map[string]time.Duration{
			"1": time.Second, "7": 7 * time.Second, "59": 59 * time.Second, "60": time.Minute, "61": time.Minute, "86400": time.Minute,
			"": 0, "0": 0, "-5": 0, "soon": 0, "1.5": 0, "99999999999999999999": 0,
		} {
			s := &server{answer: failing(1, 503, value)}
			c := testConfig(s)
			c.RetryFor = 2 * time.Minute
			began := time.Now()
			get(t, newSource(t, c), "token-2")
			if took := time.Since(began); took < want || took > want+time.Second+want/10 {
				t.Errorf("Retry-After %q: %s", value, took)
			}
		}
	})
}

// C-253: a date is compared with the server's own clock, where it tells it.
func TestTheDateOfRetryAfterIsTheServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it is the year 2000
		for _, tc := range []struct {
			after, date string
			want        time.Duration
		}{
			{"Sat, 01 Jan 2050 00:00:30 GMT", "Sat, 01 Jan 2050 00:00:00 GMT", 30 * time.Second},
			{"Sat, 01 Jan 2050 00:00:30 GMT", "Sat, 01 Jan 2050 01:00:00 GMT", 0},
			{time.Now().UTC().Add(20 * time.Second).Format(http.TimeFormat), "", 20 * time.Second},
			{time.Now().UTC().Add(20 * time.Second).Format(http.TimeFormat), "today", 20 * time.Second},
		} {
			if got := retryAfter(http.Header{"Retry-After": {tc.after}, "Date": {tc.date}}); got != tc.want {
				t.Errorf("%s of %q: got %s", tc.after, tc.date, got)
			}
		}
	})
}

// C-253: who would have waited in vain is told at once, and so are those after.
func TestNobodyWaitsForAServerThatWantsToBeLeftAloneForLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: failing(1, 429, "60")}
		source := newSource(t, testConfig(s))
		began := time.Now()
		for range 3 {
			var e *Error
			if err := getError(t, source); !errors.As(err, &e) || e.RetryAfter != time.Minute || !errors.Is(err, ErrUnavailable) {
				t.Errorf("got %v", err)
			}
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("waited %s", took)
		}
		s.expect(t, 1)
		time.Sleep(40 * time.Second) // now it is worth waiting
		get(t, source, "token-2")
		if took := time.Since(began); took < time.Minute {
			t.Errorf("asked after %s", took)
		}
	})
}

// C-253.
func TestARefusalIsNotTriedAgain(t *testing.T) {
	for _, tc := range []struct {
		status int
		code   string
	}{{400, "invalid_client"}, {401, "invalid_client"}, {400, "invalid_scope"}, {400, "invalid_request"}, {403, ""}, {404, ""}, {501, ""}} {
		synctest.Test(t, func(t *testing.T) {
			s := &server{answer: refuse(tc.status, tc.code)}
			source := newSource(t, testConfig(s))
			began := time.Now()
			for range 100 {
				var e *Error
				if err := getError(t, source); !errors.As(err, &e) || e.Code != tc.code || e.Status != tc.status || errors.Is(err, ErrUnavailable) || e.Temporary() {
					t.Errorf("got %v", err)
				}
			}
			if took := time.Since(began); took != 0 {
				t.Errorf("waited %s", took)
			}
			s.expect(t, 1)
		})
	}
}

// C-253: callers that never give up cost a server little: after 0, 1, 3, 7, 15,
// 31, 63 s, and then once a minute.
func TestARefusalIsRememberedForLongerAndLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: refuse(401, "invalid_client")}
		source := newSource(t, testConfig(s))
		for range 10 * 600 {
			getError(t, source)
			time.Sleep(100 * time.Millisecond)
		}
		if n := len(s.requests()); n < 14 || n > 16 {
			t.Errorf("%d exchanges in ten minutes", n)
		}
		s.set(nil)
		time.Sleep(maxRefusal)
		if _, err := source.Token(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// C-253: RetryFor bounds a caller's waiting, whatever else goes on.
func TestACallerWaitsNoLongerThanRetryFor(t *testing.T) {
	for name, answer := range map[string]func(int, http.ResponseWriter, *http.Request){
		"refused quickly": refuse(503, "temporarily_unavailable"), "refused slowly": slow(3*time.Second, refuse(503, "temporarily_unavailable")),
		"not answered": slow(time.Hour, issue),
	} {
		for retryFor, most := range map[time.Duration]time.Duration{0: 30 * time.Second, 5 * time.Second: 5 * time.Second, -1: tryLimit} {
			synctest.Test(t, func(t *testing.T) {
				s := &server{answer: answer}
				c := testConfig(s)
				c.RetryFor = retryFor
				source := newSource(t, c)
				for range 5 { // the second joins what the first began, or finds its pause
					began := time.Now()
					if err := getError(t, source); !errors.Is(err, ErrUnavailable) {
						t.Errorf("%s: got %v", name, err)
					}
					if took := time.Since(began); took > most {
						t.Errorf("%s, RetryFor %s: waited %s", name, retryFor, took)
					}
				}
			})
		}
	}
}

// C-253.
func TestANegativeRetryForIsOneTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: refuse(503, "temporarily_unavailable")}
		c := testConfig(s)
		c.RetryFor = -1
		source := newSource(t, c)
		began := time.Now()
		getError(t, source)
		s.expect(t, 1)
		for range 100 { // at once after a failure: the failure
			getError(t, source)
		}
		s.expect(t, 1)
		if took := time.Since(began); took != 0 {
			t.Errorf("waited %s", took)
		}
		s.set(nil)
		time.Sleep(minBackoff)
		get(t, source, "token-2")
	})
}

// C-260: one caller's context is part of what it is told, beside the reason.
func TestACallerWhoGivesUpIsToldWhatItWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: refuse(503, "temporarily_unavailable")}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := newSource(t, testConfig(s)).Token(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "503") {
			t.Errorf("got %v", err)
		}
	})
}

// C-253: a certificate that is not the server's does not become so.
func TestAWrongCertificateIsNotTriedAgain(t *testing.T) {
	asked := 0
	tlsServer := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	tlsServer.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	tlsServer.StartTLS()
	defer tlsServer.Close()
	source := newSource(t, with(func(c *Config) { c.URL = tlsServer.URL }))
	_, err := source.Token(t.Context())
	var certificate *tls.CertificateVerificationError
	if !errors.As(err, &certificate) || errors.Is(err, ErrUnavailable) || asked != 0 {
		t.Errorf("got %v", err)
	}
}

// C-251: nobody waits for a renewal in the background, so a record tells of it.
func TestAFailureThatNobodyHearsOfIsLoggedOnce(t *testing.T) {
	for _, status := range []int{401, 503} {
		synctest.Test(t, func(t *testing.T) {
			var log strings.Builder
			s := &server{}
			c := testConfig(s)
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
			source := newSource(t, c)
			get(t, source, "token-1")
			s.set(refuse(status, "an_error"))
			for range 59 {
				get(t, source, "token-1")
				time.Sleep(time.Minute)
			}
			synctest.Wait()
			if len(s.requests()) < 5 || strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "level=WARN") ||
				!strings.Contains(log.String(), fmt.Sprint(status)) || strings.Contains(log.String(), testSecret) {
				t.Errorf("%d exchanges; the log:\n%s", len(s.requests()), log.String())
			}
		})
	}
}
