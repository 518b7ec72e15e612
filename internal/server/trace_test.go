package server

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

const (
	traceID   = "4bf92f3577b34da6a3ce929d0e0e4736"
	parentID  = "00f067aa0ba902b7"
	goodTrace = "00-" + traceID + "-" + parentID + "-01"
)

func TestTheRecordNamesTheTraceOfTheRequest(t *testing.T) { // C-354
	r := start(t, site(), nil)
	r.do("GET", "http://"+r.address+"/pages/1", "traceparent", goodTrace)
	record := r.theRequest()
	if record["trace_id"] != traceID || record["parent_id"] != parentID {
		t.Errorf("record %v, want trace_id %s and parent_id %s", record, traceID, parentID)
	}
}

func TestOnlyATraceparentAsTheStandardSaysIsTaken(t *testing.T) { // C-354
	zeros := func(n int) string { return strings.Repeat("0", n) }
	for _, header := range []string{
		"",
		" ",
		goodTrace[:54],
		goodTrace + "0",
		goodTrace + "-x",
		"01" + goodTrace[2:],
		"ff" + goodTrace[2:],
		strings.ToUpper(goodTrace),
		"00-" + zeros(32) + "-" + parentID + "-01",
		"00-" + traceID + "-" + zeros(16) + "-01",
		"00_" + traceID + "-" + parentID + "-01",
		"00-" + traceID + "_" + parentID + "-01",
		"00-" + traceID + "-" + parentID + "_01",
		"00-" + traceID[:31] + "g-" + parentID + "-01",
		"00-" + traceID + "-" + parentID[:15] + "G-01",
		"00-" + traceID + "-" + parentID + "-0x",
		"00-" + traceID[:31] + "\"-" + parentID + "-01",
	} {
		if validTrace(header) {
			t.Errorf("%q is taken", header)
		}
	}
	if !validTrace(goodTrace) || !validTrace("00-"+zeros(31)+"1-"+zeros(15)+"1-00") {
		t.Error("a good one is not taken")
	}
}

func TestARequestWithTwoTraceparentsHasNone(t *testing.T) { // C-354
	r := start(t, site(), nil)
	in := r.raw("GET /pages/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\ntraceparent: " + goodTrace + "\r\ntraceparent: " + goodTrace + "\r\n\r\n")
	if _, err := io.Copy(io.Discard, in); err != nil {
		t.Fatal(err)
	}
	record := r.theRequest()
	for _, name := range []string{"trace_id", "parent_id"} {
		if v, ok := record[name]; ok {
			t.Errorf("%s is %v", name, v)
		}
	}
}

func TestNoAllocationForATrace(t *testing.T) { // C-354
	facts := newRecord()
	for name, h := range map[string]http.Header{"none": {}, "good": {traceHeader: {goodTrace}}, "bad": {traceHeader: {"x"}}} {
		if n := testing.AllocsPerRun(100, func() { facts.trace(h); facts.reset() }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// BenchmarkTrace is what reading the header adds to a request: usual is one of
// an OAuth client, without it.
func BenchmarkTrace(b *testing.B) {
	facts := newRecord()
	usual := http.Header{"User-Agent": {"x"}, "Content-Type": {"application/json"}, "Content-Length": {"150"}, "Accept-Encoding": {"gzip"}}
	with := usual.Clone()
	with[traceHeader] = []string{goodTrace}
	for name, h := range map[string]http.Header{"without": usual, "with": with} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				facts.trace(h)
				facts.reset()
			}
		})
	}
}
