package tokenwrighttest

import (
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

func addresses(iss *Issuer) map[Endpoint]string {
	return map[Endpoint]string{
		Metadata: iss.BaseURL + "/.well-known/oauth-authorization-server/demo", JWKS: iss.URL + "/oauth/jwks",
		Revocations: iss.URL + "/oauth/revocations", Token: iss.TokenURL,
	}
}

// usual is what a GET is answered with by an endpoint that is well.
func usual(at Endpoint) int {
	if at == Token {
		return http.StatusMethodNotAllowed
	}
	return http.StatusOK
}

// C-309: an endpoint misbehaves by itself, until Up.
func TestEndpointsMisbehaveByThemselves(t *testing.T) {
	iss := New(t)
	for broken := range addresses(iss) {
		iss.Fail(http.StatusBadGateway, broken)
		for at, address := range addresses(iss) {
			want := usual(at)
			if at == broken {
				want = http.StatusBadGateway
			}
			if a := get(t, iss, address); a.status != want {
				t.Errorf("with %s broken, %s is answered %d", broken, at, a.status)
			}
		}
		iss.Up(broken)
		if a := get(t, iss, addresses(iss)[broken]); a.status != usual(broken) {
			t.Errorf("%s is up, and answered %d", broken, a.status)
		}
	}
}

// C-309
func TestDownIsNoAnswerAndAnswerIsAny(t *testing.T) {
	for _, options := range [][]Option{nil, {InProcess()}} {
		iss := New(t, options...)
		iss.Down()
		for at, address := range addresses(iss) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
			if err != nil {
				t.Fatal(err)
			}
			if a, err := do(t, iss.Client(), r); err == nil {
				t.Errorf("%s is down, and answered %d", at, a.status)
			}
		}
		iss.Up()
		iss.Answer(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, JWKS)
		if a := get(t, iss, iss.URL+"/oauth/jwks"); a.body != "<html>" {
			t.Errorf("got %s", a.body)
		}
	}
}

// C-309: a delay comes before whatever else happens, and ends with Up.
func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		iss := New(t, InProcess())
		iss.Delay(3*time.Second, JWKS)
		iss.Fail(http.StatusServiceUnavailable, JWKS)
		begun := time.Now()
		if a := get(t, iss, iss.URL+"/oauth/jwks"); a.status != 503 || time.Since(begun) != 3*time.Second {
			t.Errorf("%d after %v", a.status, time.Since(begun))
		}
		begun = time.Now()
		time.AfterFunc(time.Second, func() { iss.Up() })
		if a := get(t, iss, iss.URL+"/oauth/jwks"); a.status != 200 || time.Since(begun) != time.Second {
			t.Errorf("%d after %v", a.status, time.Since(begun))
		}
	})
}

// C-309: who waits for news already waits for the delay as well, once.
func TestDelayHoldsUpReadersThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		iss := New(t, InProcess())
		for _, begun := range []string{"before", "after"} {
			begin := time.Now()
			query := "?wait=30s&after=" + strconv.FormatInt(feed(t, iss, "").Seq, 10)
			if begun == "after" {
				iss.Delay(3*time.Second, Revocations)
			}
			answers := poll(t, iss, query)
			iss.Delay(3*time.Second, Revocations)
			iss.RevokeClient(iss.ClientID)
			if f := readFeed(t, iss, <-answers); len(f.Cutoffs) != 1 || time.Since(begin) != 3*time.Second {
				t.Errorf("a reader that began %s the delay got %+v after %v", begun, f, time.Since(begin))
			}
			iss.Up()
		}
	})
}

// C-309
func TestRequestsAreCountedByEndpoint(t *testing.T) {
	iss := New(t)
	get(t, iss, iss.URL+"/oauth/jwks")
	get(t, iss, iss.URL+"/oauth/jwks")
	iss.Fail(http.StatusInternalServerError)
	get(t, iss, iss.URL+"/.well-known/openid-configuration")
	for at, want := range map[Endpoint]int{JWKS: 2, Metadata: 1, Revocations: 0, "token": 0} {
		if got := iss.Requests(at); got != want {
			t.Errorf("%s: %d requests", at, got)
		}
	}
	if all := iss.Requests(); all != 3 {
		t.Errorf("%d requests in all", all)
	}
}
