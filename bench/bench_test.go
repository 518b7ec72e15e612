package main

import (
	"bytes"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestSpreadIsMedianAndExtremes(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   spread
	}{
		{[]float64{3}, spread{3, 3, 3}},
		{[]float64{3, 1, 2}, spread{2, 1, 3}},
		{[]float64{4, 1, 3, 2}, spread{2.5, 1, 4}},
		{[]float64{100, 1, 1, 1, 1}, spread{1, 1, 100}},
	} {
		before := append([]float64{}, c.values...)
		if got := spreadOf(c.values); got != c.want {
			t.Errorf("spread of %v is %v, want %v", c.values, got, c.want)
		}
		if !reflect.DeepEqual(c.values, before) { // they are rounds, in their order
			t.Errorf("%v have become %v", before, c.values)
		}
	}
	if got := spreadOf(nil); !math.IsNaN(got.Median) || !math.IsNaN(got.Min) || !math.IsNaN(got.Max) {
		t.Errorf("spread of nothing is %v", got)
	}
}

// A machine that is twice as slow in one round changes no ratio.
func TestRatioIsTakenRoundByRound(t *testing.T) {
	samples := func(seconds ...int) (all []sample) {
		for _, s := range seconds {
			all = append(all, sample{used: time.Duration(s) * time.Second, requests: 100})
		}
		return all
	}
	if got, want := ratio(samples(1, 2, 1), samples(2, 4, 2)), (spread{0.5, 0.5, 0.5}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := ratio(samples(1, 9, 4), samples(1, 3, 2)), (spread{2, 1, 3}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestBars(t *testing.T) {
	for _, c := range []struct {
		bar    bar
		figure float64
		want   string
	}{
		{bar{least: 0.92}, 0.92, "≥ 0.92: yes"},
		{bar{least: 0.92}, 0.919, "≥ 0.92: no"},
		{bar{most: 160, unit: " B"}, 160, "≤ 160 B: yes"},
		{bar{most: 160, unit: " B"}, 160.1, "≤ 160 B: no"},
		{bar{most: 1.05}, math.NaN(), "≤ 1.05: no"}, // what was not measured has reached nothing
		{bar{least: 0.92}, math.NaN(), "≥ 0.92: no"},
	} {
		if got := c.bar.beside(c.figure); got != c.want {
			t.Errorf("beside %v stands %q, want %q", c.figure, got, c.want)
		}
	}
}

func TestAnswersAreReadToTheirEnd(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nDate: x\r\ncontent-length: 5\r\n\r\n"
	for answer, want := range map[string]bool{
		"": false, head[:20]: false, head: false, head + "hell": false, head + "hello": true,
	} {
		if got, err := complete([]byte(answer)); got != want || err != nil {
			t.Errorf("%q: complete is %v, %v", answer, got, err)
		}
	}
	for what, answer := range map[string]string{
		"a refusal":     "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
		"no length":     "HTTP/1.1 200 OK\r\n\r\n",
		"an odd length": "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
	} {
		if _, err := complete([]byte(answer)); err == nil {
			t.Errorf("%s passes for an answer", what)
		}
	}
}

// Every request gets its turn on every connection, and each answer is counted once.
func TestLoaderCountsWhatTheServerAnswers(t *testing.T) {
	var served [2]atomic.Int64
	var gone atomic.Bool // the endpoint is
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if gone.Load() {
			http.NotFound(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != "/token" || len(body) != 1 {
			t.Errorf("%s %s, body %q, %v", r.Method, r.URL, body, err)
			return
		}
		served[body[0]-'0'].Add(1)
		_, _ = w.Write([]byte("an answer"))
	}))
	defer server.Close()
	g, err := newGenerator()
	if err != nil {
		t.Fatal(err)
	}
	l, err := newLoader(g, server.URL+"/token", forms("0", "1"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := l.run(t.Context(), 3, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	first, second := served[0].Load(), served[1].Load()
	if int64(got.Requests) != first+second || first-second < 0 || first-second > 1 || got.Requests < 3 {
		t.Errorf("%d requests counted, %d and %d served", got.Requests, first, second)
	}
	if got.P50 <= 0 || got.P99 < got.P50 || got.Seconds < 0.05 {
		t.Errorf("got %+v", got)
	}
	gone.Store(true)
	if _, err := l.run(t.Context(), 1, time.Millisecond); err == nil {
		t.Error("a server that has no such endpoint passes")
	}
}

func TestReadsWhatGoTestPrints(t *testing.T) {
	got, err := readBenchmarks(`goos: linux
goarch: amd64
cpu: AMD EPYC
BenchmarkSign/ES256           	   63210	     18765 ns/op	    4008 B/op	      57 allocs/op
BenchmarkSign/ES256           	   63211	     18761 ns/op	    4008 B/op	      57 allocs/op
BenchmarkSign/ES256           	   63212	     99999 ns/op	    4011 B/op	      57 allocs/op
BenchmarkDirectory/keys=1000/find  	31663416	        36.68 ns/op
BenchmarkDirectory/keys=1000/load  	    3267	    334158 ns/op	       312.6 B/key	  596041 B/op	    6922 allocs/op
PASS
ok  	github.com/tokenwright/tokenwright/internal/authority	18.174s
`)
	want := []part{
		{"Sign/ES256", map[string]float64{"ns/op": 18765, "B/op": 4008, "allocs/op": 57}},
		{"Directory/keys=1000/find", map[string]float64{"ns/op": 36.68}},
		{"Directory/keys=1000/load", map[string]float64{"ns/op": 334158, "B/op": 596041, "allocs/op": 6922, "B/key": 312.6}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v, %v\nwant %v", got, err, want)
	}
	// A name that matches nothing any more must not pass for a measurement.
	for _, output := range []string{"", "PASS\nok  \tgithub.com/tokenwright/tokenwright/internal/jose\t0.003s [no tests to run]\n", "BenchmarkSign 3 many ns/op"} {
		if got, err := readBenchmarks(output); err == nil {
			t.Errorf("%q is read as %v", output, got)
		}
	}
}

func TestReadsTheStateOfTheCollector(t *testing.T) {
	const text = "heap profile: 1: 2 [3: 4] @ heap/1048576\n# runtime.MemStats\n# Alloc = 10\n# HeapAlloc = 120560128\n" +
		"# LastGC = 1764061891000000000\n# PauseNs = [1 2 3]\n# NumGC = 7\n# GCCPUFraction = 2.5e-05\n# DebugGC = false\n"
	got, err := readMemStats(text)
	want := map[string]float64{"Alloc": 10, "HeapAlloc": 120560128, "LastGC": 1764061891e9, "NumGC": 7, "GCCPUFraction": 2.5e-5}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if got, err := readMemStats(strings.Replace(text, "# NumGC", "# NumCollections", 1)); err == nil {
		t.Errorf("a state without NumGC is read as %v", got)
	}
}

// One short round of the first suite, everything in it real.
func TestRunOfTokens(t *testing.T) {
	for _, program := range []string{"node", "taskset"} {
		if _, err := exec.LookPath(program); err != nil {
			missing(t, program+" is not installed")
		}
	}
	if _, err := os.Stat("peers/oidc-provider/node_modules/oidc-provider"); err != nil {
		missing(t, "the npm package oidc-provider is not installed in bench/peers/oidc-provider")
	}
	results := t.TempDir()
	var out bytes.Buffer
	b := &bench{out: &out, progress: t.Logf}
	err := b.run(t.Context(), []string{"-only", "tokens", "-peers", "oidc-provider", "-rounds", "1", "-time", "1s", "-noisy", "-results", results})
	if err != nil {
		t.Fatal(err)
	}
	var figures []requestFigures
	r, err := readResult(results, "tokens", &figures)
	if err != nil {
		t.Fatal(err)
	}
	if len(figures) != 3 || r.Measured.IsZero() || r.Commit == "" {
		t.Fatalf("the result is %+v of %+v", figures, r)
	}
	for i, name := range []string{nameOurs, nameLimit, nameProvider} {
		f := figures[i]
		if f.Name != name || f.CPU.Median <= 0 || f.OfLimit.Median <= 0 || f.PerSecond.Median <= 0 || f.P50 <= 0 || f.P99 < f.P50 || f.Memory <= 0 {
			t.Errorf("figures of %s: %+v", name, f)
		}
		if !strings.Contains(out.String(), name) {
			t.Errorf("the table has no row for %s:\n%s", name, &out)
		}
	}
	if figures[1].OfLimit.Median != 1 || !strings.Contains(out.String(), "≥ 0.92: ") {
		t.Errorf("the limit is %v of itself; the table is\n%s", figures[1].OfLimit, &out)
	}
}

// What is measured must be there: no suite is left out in silence.
func TestUnknownSuitesAreRefused(t *testing.T) {
	for _, args := range [][]string{{"-only", "token"}, {"-only", "tokens,"}, {"-peers", "hydra"}} {
		b := &bench{out: t.Output(), progress: t.Logf}
		if err := b.run(t.Context(), args); err == nil || !strings.Contains(err.Error(), "there is no") {
			t.Errorf("%v: %v", args, err)
		}
	}
}

// missing ends a test that cannot run here. Where everything must run, that is
// a failure.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("TOKENWRIGHT_TEST_ALL") != "" {
		t.Fatalf("%s; TOKENWRIGHT_TEST_ALL wants every test to run (make tools installs it)", what)
	}
	t.Skipf("%s (make tools installs it)", what)
}

// One short round of the suites that ask about tokens. The figures say nothing; that
// good tokens are taken, and altered ones are not, each suite holds by itself.
func TestRunOfRequestsAboutTokens(t *testing.T) {
	results := t.TempDir()
	var out bytes.Buffer
	b := &bench{out: &out, progress: t.Logf}
	err := b.run(t.Context(), []string{"-only", "introspection,forward-auth,revocation", "-peers", "fosite", "-rounds", "1", "-time", "100ms", "-noisy", "-results", results})
	if err != nil {
		t.Fatal(err)
	}
	for suite, names := range map[string][]string{
		"introspection": {nameOurs, nameLimitAsked, nameFosite}, "forward-auth": {nameNew, nameSeen, nameLimitNew, nameLimitSeen},
	} {
		var figures []requestFigures
		if _, err := readResult(results, suite, &figures); err != nil {
			t.Fatal(err)
		}
		if len(figures) != len(names) {
			t.Fatalf("%s has %+v", suite, figures)
		}
		for i, f := range figures {
			if f.Name != names[i] || f.CPU.Median <= 0 || f.OfLimit.Median <= 0 || f.PerSecond.Median <= 0 || f.Memory <= 0 {
				t.Errorf("%s, figures of %s: %+v", suite, names[i], f)
			}
		}
	}
	var f revocationFigures
	if _, err := readResult(results, "revocation", &f); err != nil {
		t.Fatal(err)
	}
	if f.Node.Trials == 0 || f.Verifier.Trials != f.Node.Trials || f.Node.P50 <= 0 || f.Verifier.Max < f.Verifier.P50 {
		t.Errorf("revocation: %+v", f)
	}
}
