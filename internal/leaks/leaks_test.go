package leaks

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/credential"
	"github.com/tokenwright/tokenwright/tokenwrighttest"
)

// C-370: the answer is the same, byte for byte, for whatever was reported.
func TestEveryReportIsAnsweredAlike(t *testing.T) {
	in := install(t)
	k := in.key()
	dead := in.key()
	in.must(in.DeleteAPIKey(t.Context(), actor, dead.id, 0))
	foreign := tokenwrighttest.New(t)
	var want *httptest.ResponseRecorder
	for name, reported := range map[string]string{
		"live secret": k.secret, "dead secret": dead.secret, "unknown secret": credential.Format{Prefix: "tw"}.NewSecret("demo").Reveal(),
		"mistyped secret": k.secret[:len(k.secret)-1], "client ID": string(k.id), "live token": in.token(k),
		"foreign token": foreign.Token(), "words": "the quick brown fox", "long": strings.Repeat("x", 60_000), "dots": "...", "control": "\x01",
	} {
		body, err := json.Marshal(map[string]string{"credential": reported, "url": "https://paste.example/" + name, "unknown": ""})
		in.must(err)
		for _, w := range []*httptest.ResponseRecorder{in.post(string(body), asJSON...), in.post("credential="+url.QueryEscape(reported), asForm...)} {
			if want == nil {
				want = w
			}
			if w.Code != http.StatusAccepted || w.Body.String() != "{}" || w.Header().Get("Cache-Control") != "no-store" ||
				w.Header().Get("Access-Control-Allow-Origin") != "" || !maps.EqualFunc(w.Header(), want.Header(), func(a, b []string) bool { return a[0] == b[0] }) {
				t.Errorf("%s: status %d, %v, %s", name, w.Code, w.Header(), w.Body)
			}
		}
	}
	if in.events(authority.SecretLeaked)+in.events(authority.TokenLeaked) != 0 {
		t.Error("a report was worked off within its request")
	}
}

// C-371, C-374: the worker ends what is alive, and nothing else.
func TestReportsAreWorkedOffBesideTheirRequest(t *testing.T) {
	in := install(t)
	in.running()
	k, other := in.key(), in.key()
	in.report(string(other.id))
	in.report(credential.Format{Prefix: "tw"}.NewSecret("demo").Reveal())
	in.report(tokenwrighttest.New(t).Token())
	in.report(" " + k.secret + `\n`) // as it was copied
	eventually(t, "the secret is refused", func() bool { _, err := in.issue(k); return err != nil })
	in.token(other)
	if in.events(authority.SecretLeaked) != 1 || in.events(authority.TokenLeaked) != 0 {
		t.Error("there is another event than that of the leaked secret")
	}
}

// C-375: a token ends those of its API key, if it is ours and alive.
func TestATokenCountsOnlyWhereItIsGood(t *testing.T) {
	in := install(t)
	k := in.key()
	token := in.token(k)
	part := strings.Split(token, ".")
	for name, bad := range map[string]string{
		"signature": part[0] + "." + part[1] + "." + strings.Repeat("A", 86), "claims": part[0] + ".e30." + part[2], "header": "e30." + part[1] + "." + part[2],
		"none": part[0] + "." + part[1] + ".", "foreign": tokenwrighttest.New(t).Token(), "cut": token[:len(token)-1],
	} {
		in.report(bad)
		in.workOff()
		if n := in.events(authority.TokenLeaked); n != 0 {
			t.Fatalf("%s: there are %d events", name, n)
		}
	}
	for range 2 {
		in.report(token)
		in.workOff()
	}
	if n := in.events(authority.TokenLeaked); n != 1 {
		t.Errorf("there are %d events", n)
	}
	expired := in.token(k)
	in.ahead.Store(int64(time.Hour + 30*time.Second)) // a verifier with another clock might still take it
	in.report(expired)
	in.workOff()
	if n := in.events(authority.TokenLeaked); n != 1 {
		t.Errorf("with an expired token there are %d events", n)
	}
}

// C-371: what another node did a moment ago counts.
func TestALeakedSecretThatAnotherNodeMadeEnds(t *testing.T) {
	in := install(t)
	other := in.node(in.config)
	k := in.keyAt(other)
	in.report(k.secret)
	in.workOff()
	if in.events(authority.SecretLeaked) != 1 {
		t.Error("the secret did not end")
	}
	gone := in.keyAt(in.Authority)
	in.must(other.CatchUp(t.Context()))
	in.must(in.DeleteAPIKey(t.Context(), actor, gone.id, 0))
	in.must(other.ReportLeakedSecret(t.Context(), actor, gone.secret, "")) // of which it has not heard
}

// C-379: without its database a node keeps what was reported, and tells once.
func TestReportsWaitForTheDatabase(t *testing.T) {
	in := install(t)
	in.report(in.key().secret)
	in.report("garbage")
	in.must(in.store.Close())
	ctx, cancel := context.WithTimeout(t.Context(), time.Second) // more than two pauses
	defer cancel()
	in.leaks.workOff(ctx, in.leaks.waiting.added)
	if n := in.leaks.waiting.len(); n != 2 {
		t.Errorf("%d reports wait", n)
	}
	if told := in.log.String(); strings.Count(told, "failed") != 1 || strings.Contains(told, "tws_") {
		t.Errorf("the log says %s", told)
	}
}

// C-379: what was taken is worked off before a server has ended.
func TestAStoppingServerWorksOffWhatWaits(t *testing.T) {
	in := install(t)
	keys := []key{in.key(), in.key(), in.key()}
	for _, k := range keys {
		in.report(k.secret)
	}
	in.workOff()
	if n := in.events(authority.SecretLeaked); n != len(keys) {
		t.Errorf("%d of %d reports were worked off", n, len(keys))
	}
}

// C-378: how a report is sent is told, in the shape of all errors.
func TestReportsAreReadStrictly(t *testing.T) {
	in := install(t)
	good := `{"credential":"x"}`
	large := `{"credential":"` + strings.Repeat("x", maxBody) + `"}`
	for name, tc := range map[string]struct {
		body   string
		header []string
		status int
	}{
		"no content type":     {good, nil, 415},
		"another type":        {good, []string{"Content-Type", "text/plain"}, 415},
		"two types":           {good, append([]string{"Content-Type", formType}, asJSON...), 415},
		"charset":             {good, []string{"Content-Type", jsonType + "; charset=latin1"}, 415},
		"compressed":          {good, append([]string{"Content-Encoding", "gzip"}, asJSON...), 415},
		"too large":           {large, asJSON, 413},
		"no JSON":             {"credential=x", asJSON, 400},
		"array":               {"[" + good + "]", asJSON, 400},
		"repeated":            {`{"credential":"x","credential":"x"}`, asJSON, 400},
		"trailing":            {good + good, asJSON, 400},
		"other case":          {`{"Credential":"x"}`, asJSON, 400},
		"other case, too":     {`{"credential":"x","URL":"x"}`, asJSON, 400},
		"no string":           {`{"credential":1}`, asJSON, 400},
		"url is no string":    {`{"credential":"x","url":null}`, asJSON, 400},
		"missing":             {`{"url":"x"}`, asJSON, 400},
		"empty":               {`{"credential":" "}`, asJSON, 400},
		"JSON as form":        {good, asForm, 400},
		"form: repeated":      {"credential=x&credential=x", asForm, 400},
		"form: repeated, too": {"credential=x&a=1&A=1", asForm, 400},
		"form: escape":        {"credential=%zz", asForm, 400},
		"form: no UTF-8":      {"credential=%ff", asForm, 400},
		"form: many":          {"credential=x" + many(100), asForm, 400},
	} {
		checkRefusal(t, name, in.post(tc.body, tc.header...), tc.status)
		in.leaks.requests = newRequests()
	}
	for _, target := range []string{reportPath + "?credential=x", reportPath + "?"} {
		r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(good))
		r.Header.Set("Content-Type", jsonType)
		checkRefusal(t, target, in.send(r), 400)
	}
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS"} {
		w := in.send(httptest.NewRequest(method, reportPath, nil))
		if checkRefusal(t, method, w, 405); w.Header().Get("Allow") != "POST" {
			t.Errorf("%s: Allow is %q", method, w.Header().Get("Allow"))
		}
	}
	if n := in.leaks.waiting.len(); n != 0 {
		t.Errorf("%d of them wait", n)
	}
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "&x%d=1", i)
	}
	return b.String()
}

func checkRefusal(t *testing.T, what string, w *httptest.ResponseRecorder, status int) {
	t.Helper()
	var body struct{ Code, Message string }
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != status || body.Code != strconv.Itoa(status) || body.Message == "" ||
		w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%s: status %d, want %d; %v %s", what, w.Code, status, w.Header(), w.Body)
	}
}

// C-377: an address that asks too often is told when to come again; an IPv6
// network counts as one.
func TestReportsAreLimitedByAddress(t *testing.T) {
	in := install(t)
	from := func(address string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, reportPath, strings.NewReader("credential=x"))
		r.Header.Set("Content-Type", formType)
		r.RemoteAddr = address
		return in.send(r)
	}
	for n := range 2 * reportLimit { // a window may end on the way: then another begins
		if w := from("[2001:db8::" + strconv.Itoa(n) + "]:1"); w.Code == http.StatusTooManyRequests {
			break
		}
	}
	w := from("[2001:db8::ffff]:1")
	checkRefusal(t, "one too many", w, 429)
	if after, err := strconv.Atoi(w.Header().Get("Retry-After")); err != nil || after < 1 || after > int(reportWindow/time.Second) {
		t.Errorf("Retry-After is %q", w.Header().Get("Retry-After"))
	}
	if w := from("[2001:db8:1::1]:1"); w.Code != http.StatusAccepted {
		t.Errorf("another network: status %d", w.Code)
	}
}

// C-377: what waits is bounded.
func TestAFullQueueIsTold(t *testing.T) {
	in := install(t)
	for range maxWaiting {
		if !in.leaks.waiting.add(finding{}) {
			t.Fatal("the queue is full too early")
		}
	}
	w := in.post("credential=x", asForm...)
	if checkRefusal(t, "a full queue", w, 503); w.Header().Get("Retry-After") != "10" {
		t.Errorf("Retry-After is %q", w.Header().Get("Retry-After"))
	}
	in.workOff()
	in.report("x")
}

// C-379: a report that fails holds up none behind it.
func TestWhatFailedWaitsBehindTheOthers(t *testing.T) {
	q := queue{added: make(chan struct{}, 1)}
	for _, name := range []string{"a", "b", "c"} {
		q.add(finding{credential: name})
	}
	f, _ := q.take()
	q.putBack(f)
	order := ""
	for f, ok := q.take(); ok; f, ok = q.take() {
		order += f.credential
	}
	if order != "bca" {
		t.Errorf("the order is %s", order)
	}
}

// C-379
func TestPausesGrowUpToALimit(t *testing.T) {
	longest := time.Duration(0)
	for failures := range 100 {
		d := backoff(failures)
		if d < firstPause/2 || d > longestPause {
			t.Errorf("after %d failures the pause is %s", failures, d)
		}
		longest = max(longest, d)
	}
	if longest < longestPause/2 {
		t.Errorf("the longest pause is %s", longest)
	}
}
