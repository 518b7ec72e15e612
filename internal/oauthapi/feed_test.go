package oauthapi

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/jose"
)

// feed reads demo's feed as a verifier does.
func (in *installation) feed(query string) *accesstoken.Revocations {
	in.Helper()
	return in.readFeed(in.get("/demo/oauth/revocations" + query))
}

func (in *installation) readFeed(a *answer) *accesstoken.Revocations {
	in.Helper()
	if a.status != http.StatusOK {
		in.Fatalf("got %d %s, want a feed", a.status, a.body)
	}
	a.wantHeader("Content-Type", "application/jwt")
	a.wantHeader("Cache-Control", "no-store")
	a.wantHeader("Access-Control-Allow-Origin", "*")
	m, err := jose.ParseUpTo(a.body, accesstoken.MaxRevocationsSize)
	in.must(err)
	issuer, err := in.Issuer("demo")
	in.must(err)
	verified := false
	for _, key := range issuer.Keys {
		verified = verified || m.Verify(key) == nil
	}
	if !verified || m.Type != accesstoken.RevocationsType {
		in.Errorf("the feed has typ %s, signed by the issuer: %v", m.Type, verified)
	}
	f, err := accesstoken.ParseRevocations(string(m.Payload))
	in.must(err)
	return f
}

func claimsOf(in *installation, token string) *accesstoken.Claims {
	in.Helper()
	m, err := jose.Parse(token)
	in.must(err)
	c, err := accesstoken.Parse(string(m.Payload))
	in.must(err)
	return c
}

func TestFeed(t *testing.T) {
	in := install(t, nil)
	gone, revoking, production := in.key("demo", "customers:read"), in.key("demo", "customers:read"), in.key("production")
	empty := in.feed("")
	if empty.Issuer != base+"/demo" || empty.Lineage != 1 || empty.Seq != 0 || empty.MinGeneration != 0 || empty.Partial ||
		len(empty.Cutoffs)+len(empty.Tokens)+len(empty.SigningKeys) != 0 || empty.IssuedAt != in.time().Unix() || empty.Expiry != empty.IssuedAt+600 {
		t.Errorf("an empty feed is %+v", empty)
	}
	token := in.token(revoking)
	in.must(in.DeleteAPIKey(t.Context(), actor, authority.ClientID(gone.id), 0))
	in.must(in.DeleteAPIKey(t.Context(), actor, authority.ClientID(production.id), 0))
	in.about("revoke", revoking, token)
	id, _ := accesstoken.ParseTokenID(claimsOf(in, token).ID)
	revoked := accesstoken.RevokedToken{ID: id, Expiry: 1764003600}
	all := in.feed("")
	if all.Seq != 3 || len(all.Cutoffs) != 1 || all.Cutoffs[0].ClientID != gone.id || all.Cutoffs[0].Generation != 1764000001 ||
		len(all.Tokens) != 1 || all.Tokens[0] != revoked {
		t.Errorf("the feed is %+v", all)
	}
	since := in.feed("?after=1")
	if !since.Partial || since.After != 1 || since.Seq != 3 || len(since.Cutoffs) != 0 || len(since.Tokens) != 1 {
		t.Errorf("since 1 the feed is %+v", since)
	}
	if nothing := in.feed("?after=3"); nothing.After != 3 || nothing.Seq != 3 || len(nothing.Cutoffs)+len(nothing.Tokens) != 0 {
		t.Errorf("since 3 the feed is %+v", nothing)
	}
	if nothing := in.feed("?after=3&wait=0s"); nothing.After != 3 {
		t.Errorf("without waiting the feed is %+v", nothing)
	}
	if ahead := in.feed("?after=9"); ahead.Partial || ahead.Seq != 3 || len(ahead.Tokens) != 1 {
		t.Errorf("from ahead the feed is %+v", ahead)
	}
}

func TestFeedRefusesOddPolls(t *testing.T) {
	in := install(t, nil)
	for query, reason := range map[string]string{
		"?after=": reasonAfter, "?after=x": reasonAfter, "?after=-1": reasonAfter, "?after=1&after=1": reasonAfter, "?after=9223372036854775808": reasonAfter, "?%": reasonAfter,
		"?wait=1s": reasonWait, "?after=0&wait=1": reasonWait, "?after=0&wait=31s": reasonWait, "?after=0&wait=-1s": reasonWait, "?after=0&wait=1s&wait=1s": reasonWait,
	} {
		t.Log(query)
		in.get("/demo/oauth/revocations" + query).refused(reason)
	}
	in.post("/demo/oauth/revocations", asForm.contentType, "").refused(reasonMethod)
}

// A poll is answered when there is more, and only then.
func TestLongPoll(t *testing.T) {
	in := install(t, nil)
	k := in.key("demo", "customers:read")
	production := in.key("production")
	server := httptest.NewServer(in.handler)
	defer server.Close()
	answers := make(chan *answer)
	go func() {
		resp, err := http.Get(server.URL + "/demo/oauth/revocations?after=0&wait=30s")
		if err != nil {
			t.Error(err)
			close(answers)
			return
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Error(err)
		}
		answers <- &answer{in, resp.StatusCode, resp.Header, string(body)}
	}()
	for in.api.polls.waiting() == 0 {
		time.Sleep(time.Millisecond)
	}
	in.wantCount("tokenwright_feed_readers", nil, 1)                                   // C-350
	in.must(in.DeleteAPIKey(t.Context(), actor, authority.ClientID(production.id), 0)) // of no concern here
	in.must(in.DeleteAPIKey(t.Context(), actor, authority.ClientID(k.id), 0))
	f := in.readFeed(<-answers)
	if f.After != 0 || f.Seq != 2 || len(f.Cutoffs) != 1 || f.Cutoffs[0].ClientID != k.id {
		t.Errorf("the poll is answered with %+v", f)
	}
	if in.api.polls.waiting() != 0 || len(in.api.polls.byAddress) != 0 {
		t.Error("the poll is still counted")
	}
}

// Whoever waits is answered when the server stops, and forgotten when he goes.
func TestPollsEnd(t *testing.T) {
	in := install(t, nil)
	stopping, stop := context.WithCancel(t.Context())
	in.api.stopping = stopping
	stop()
	if f := in.feed("?after=0&wait=30s"); f.After != 0 {
		t.Errorf("the poll is answered with %+v", f)
	}
	in.api.stopping = t.Context()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	in.do(newRequest("GET", "/demo/oauth/revocations?after=0&wait=30s", nil).WithContext(gone))
	if in.api.polls.all != 0 {
		t.Error("a poll that was given up is still counted")
	}
}

func TestPollsAreCappedByAddress(t *testing.T) {
	p := polls{byAddress: map[netip.Addr]int{}}
	enter := func(address string) error { return p.enter(netip.MustParseAddr(address)) }
	for range maxPollsOfAddress {
		if err := enter("2001:db8::1"); err != nil {
			t.Fatal(err)
		}
	}
	for address, free := range map[string]bool{"2001:db8::2": false, "2001:db8:0:0:ffff::": false, "2001:db8:0:1::": true, "192.0.2.1": true, "::ffff:192.0.2.1": true} {
		if err := enter(address); (err == nil) != free {
			t.Errorf("%s: %v", address, err)
		}
	}
	p.leave(netip.MustParseAddr("2001:db8::9"))
	if err := enter("2001:db8::2"); err != nil {
		t.Errorf("after one has left: %v", err)
	}
}

// deadlines is a connection whose limits can be moved.
type deadlines struct {
	*httptest.ResponseRecorder
	read, write time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error  { d.read = t; return nil }
func (d *deadlines) SetWriteDeadline(t time.Time) error { d.write = t; return nil }

// The server's limits of a connection are for requests that do not wait.
func TestAPollMayOutliveTheLimitsOfItsConnection(t *testing.T) {
	in := install(t, nil)
	w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	began := time.Now()
	in.handler.ServeHTTP(w, newRequest("GET", "/demo/oauth/revocations?after=0&wait=10ms", nil))
	if w.Code != http.StatusOK || w.read.Before(began.Add(pollGrace)) || w.write.Before(began.Add(pollGrace)) {
		t.Errorf("got %d; limits of the connection: %v, %v, it began at %v", w.Code, w.read, w.write, began)
	}
}
