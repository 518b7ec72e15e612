package verify_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/tokenwrighttest"
	"github.com/tokenwright/tokenwright/verify"
)

// feedOf is a feed of now with members changed, in the one order that they have.
func feedOf(iss *tokenwrighttest.Issuer, change map[string]string) string {
	now := time.Now().Unix()
	members := map[string]string{
		"iss": `"` + iss.URL + `"`, "iat": fmt.Sprint(now), "exp": fmt.Sprint(now + 600), "lineage": "1000", "seq": "1000",
		"min_gen": "0", "cutoffs": "[]", "tokens": "[]", "signing_keys": "[]",
	}
	text := ""
	for _, name := range []string{"iss", "iat", "exp", "lineage", "seq", "after", "min_gen", "cutoffs", "tokens", "signing_keys"} {
		value, ok := change[name]
		if !ok {
			value = members[name]
		}
		if value != "" {
			text += `,"` + name + `":` + value
		}
	}
	return "{" + text[1:] + "}"
}

func signedFeed(iss *tokenwrighttest.Issuer, kid, payload string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jwt")
		_, _ = w.Write([]byte(iss.Sign(`{"alg":"ES256","kid":"`+kid+`","typ":"revocations+jwt"}`, payload)))
	}
}

// A feed that is not the issuer's, or not its newest, changes nothing.
func TestFeedsThatAreNotToBeBelievedAreNot(t *testing.T) {
	everythingIsDead := fmt.Sprint(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).Unix())
	now := func(d time.Duration) string { return fmt.Sprint(time.Now().Add(d).Unix()) }
	for name, lie := range map[string]func(*tokenwrighttest.Issuer) http.HandlerFunc{
		"another issuer": func(iss *tokenwrighttest.Issuer) http.HandlerFunc {
			return signedFeed(iss, iss.KeyID(), feedOf(iss, map[string]string{"iss": `"https://other.example.com"`, "min_gen": everythingIsDead}))
		},
		"expired": func(iss *tokenwrighttest.Issuer) http.HandlerFunc {
			return signedFeed(iss, iss.KeyID(), feedOf(iss, map[string]string{"iat": now(-661 * time.Second), "exp": now(-61 * time.Second), "min_gen": everythingIsDead}))
		},
		"of the future": func(iss *tokenwrighttest.Issuer) http.HandlerFunc {
			return signedFeed(iss, iss.KeyID(), feedOf(iss, map[string]string{"iat": now(time.Hour), "exp": now(2 * time.Hour), "min_gen": everythingIsDead}))
		},
		"of an earlier lineage": func(iss *tokenwrighttest.Issuer) http.HandlerFunc {
			return signedFeed(iss, iss.KeyID(), feedOf(iss, map[string]string{"lineage": "0", "min_gen": everythingIsDead}))
		},
		"of an earlier seq": func(iss *tokenwrighttest.Issuer) http.HandlerFunc {
			return signedFeed(iss, iss.KeyID(), feedOf(iss, map[string]string{"lineage": "1", "seq": "0", "min_gen": everythingIsDead}))
		},
		"going on from what is not known": func(iss *tokenwrighttest.Issuer) http.HandlerFunc {
			return signedFeed(iss, iss.KeyID(), feedOf(iss, map[string]string{"lineage": "1", "after": "999", "min_gen": everythingIsDead}))
		},
		"going on from another lineage": func(iss *tokenwrighttest.Issuer) http.HandlerFunc {
			return signedFeed(iss, iss.KeyID(), feedOf(iss, map[string]string{"after": "1", "min_gen": everythingIsDead}))
		},
		"listing the key that has signed it": func(iss *tokenwrighttest.Issuer) http.HandlerFunc {
			return signedFeed(iss, iss.KeyID(), feedOf(iss, map[string]string{"signing_keys": `["` + iss.KeyID() + `"]`, "min_gen": everythingIsDead}))
		},
		"signed by an unknown key": func(iss *tokenwrighttest.Issuer) http.HandlerFunc {
			return signedFeed(iss, "x", feedOf(iss, map[string]string{"min_gen": everythingIsDead}))
		},
		"lacking a member": func(iss *tokenwrighttest.Issuer) http.HandlerFunc {
			return signedFeed(iss, iss.KeyID(), feedOf(iss, map[string]string{"tokens": "", "min_gen": everythingIsDead}))
		},
		"an access token": func(iss *tokenwrighttest.Issuer) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/jwt")
				_, _ = w.Write([]byte(iss.Token()))
			}
		},
		"of another content type": func(iss *tokenwrighttest.Issuer) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				signedFeed(iss, iss.KeyID(), feedOf(iss, map[string]string{"min_gen": everythingIsDead}))(contentType{w}, r)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			follow(t, nil, func(t *testing.T, iss *tokenwrighttest.Issuer, v *verify.Verifier) {
				token, dead := iss.Token(), iss.Token()
				iss.RevokeToken(dead)
				time.Sleep(time.Second)
				iss.Answer(lie(iss), tokenwrighttest.Revocations)
				time.Sleep(2 * time.Minute)
				is(t, v, "good", token, nil)
				is(t, v, "dead", dead, verify.ErrRevoked)
				if age := v.RevocationsAge(); age < 2*time.Minute {
					t.Errorf("the revocations are said to be %v old", age)
				}
				iss.Up()
				time.Sleep(11 * time.Second)
				if age := v.RevocationsAge(); age > 30*time.Second {
					t.Errorf("afterwards the revocations are said to be %v old", age)
				}
			})
		})
	}
	// The test of the test: the same feed without a lie is believed.
	follow(t, nil, func(t *testing.T, iss *tokenwrighttest.Issuer, v *verify.Verifier) {
		token := iss.Token()
		iss.Answer(signedFeed(iss, iss.KeyID(), feedOf(iss, map[string]string{"min_gen": everythingIsDead})), tokenwrighttest.Revocations)
		time.Sleep(time.Second)
		is(t, v, "everything is dead", token, verify.ErrRevoked)
	})
}

type contentType struct{ http.ResponseWriter }

func (w contentType) Write(b []byte) (int, error) {
	w.Header().Set("Content-Type", "text/plain")
	return w.ResponseWriter.Write(b)
}

// docs/revocation: a feed is not believed if signed by a key that has been seen
// listed, though the set of keys has it again.
func TestARevokedSigningKeySignsNoFeed(t *testing.T) {
	follow(t, nil, func(t *testing.T, iss *tokenwrighttest.Issuer, v *verify.Verifier) {
		stolen, token := iss.KeyID(), iss.Token()
		replay := iss.Sign(`{"alg":"ES256","kid":"`+stolen+`","typ":"revocations+jwt"}`, feedOf(iss, map[string]string{"seq": "2000"}))
		iss.RotateSigningKey()
		list := signedFeed(iss, iss.KeyID(), feedOf(iss, map[string]string{"signing_keys": `["` + stolen + `"]`}))
		iss.Answer(list, tokenwrighttest.Revocations)
		time.Sleep(time.Second)
		is(t, v, "by the stolen key", token, verify.ErrRevoked)
		is(t, v, "by the other key", iss.Token(), nil)
		var asked atomic.Int64
		iss.Answer(func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			w.Header().Set("Content-Type", "application/jwt")
			_, _ = w.Write([]byte(replay))
		}, tokenwrighttest.Revocations)
		time.Sleep(time.Minute)
		is(t, v, "by the stolen key, still", token, verify.ErrRevoked)
		if age := v.RevocationsAge(); age < time.Minute || asked.Load() == 0 {
			t.Errorf("after %d such feeds the revocations are said to be %v old", asked.Load(), age)
		}
	})
}

// What the issuer has forgotten is forgotten, an hour later at most: else a
// verifier would grow for as long as it runs.
func TestTheFeedIsReadWholeEachHour(t *testing.T) {
	follow(t, nil, func(t *testing.T, iss *tokenwrighttest.Issuer, v *verify.Verifier) {
		token := iss.Token(tokenwrighttest.ExpiresIn(24 * time.Hour))
		var whole atomic.Int64
		iss.Answer(func(w http.ResponseWriter, r *http.Request) {
			change := map[string]string{"lineage": "2", "cutoffs": `[{"client_id":"` + iss.ClientID + `","gen":4000000000}]`}
			if r.URL.Query().Has("after") {
				change["cutoffs"], change["after"] = "[]", r.URL.Query().Get("after")
			} else if whole.Add(1) > 1 {
				change["cutoffs"] = "[]"
			}
			time.Sleep(10 * time.Second)
			signedFeed(iss, iss.KeyID(), feedOf(iss, change))(w, r)
		}, tokenwrighttest.Revocations)
		time.Sleep(30 * time.Minute)
		is(t, v, "cut off", token, verify.ErrRevoked)
		time.Sleep(35 * time.Minute)
		is(t, v, "forgotten", token, nil)
	})
}

// A key that has just been read for the last time may be revoked the moment
// after: what says so is signed by one that is not known yet.
func TestAFeedByAnUnknownKeyHasTheKeysReadAtOnce(t *testing.T) {
	follow(t, nil, func(t *testing.T, iss *tokenwrighttest.Issuer, v *verify.Verifier) {
		token := iss.Token()
		iss.RotateSigningKey()
		iss.RevokeSigningKey()
		iss.RevokeSigningKey()
		iss.RevokeToken(token)
		time.Sleep(2 * time.Second)
		is(t, v, "revoked", token, verify.ErrRevoked)
		is(t, v, "by a key that nobody knew", iss.Token(), nil)
	})
}
