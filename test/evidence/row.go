package evidence

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// Row is what one fault, attack or load has done, all its times together: a row of
// the table of make proof.
type Row struct {
	Rule     string        // whose bar it is, such as R-20
	What     string        // happened
	Times    int           // it did; 0 fails the test
	Requests int           // meanwhile, most of them for tokens
	Lost     int           // changes acknowledged and not there
	Wrong    int           // answers that say what is not so: a refusal of good credentials, a token for dead ones
	Failed   int           // requests that had to be answered well and were not
	Slowest  time.Duration // refusal of a change that could not be made
	Recovery []time.Duration
	Figures  []Figure
	Note     string // what else is to be known
	Detail   any    // for who wants to look closer: kept, not shown
}

// Figure is a number that was measured and, where it has one, its bar.
type Figure struct {
	Name  string   `json:"name"`
	Value float64  `json:"value"`
	Unit  string   `json:"unit,omitempty"`
	Most  *float64 `json:"most,omitempty"`
	Least *float64 `json:"least,omitempty"`
}

// Tell adds a number that has no bar.
func (r *Row) Tell(name string, value float64, unit string) {
	r.Figures = append(r.Figures, Figure{Name: name, Value: value, Unit: unit})
}

// AtMost adds a number, and fails the test where it is in full and more than most.
func (r *Row) AtMost(t *testing.T, name string, value float64, unit string, most float64) {
	t.Helper()
	r.Figures = append(r.Figures, Figure{Name: name, Value: value, Unit: unit, Most: &most})
	if *full && !(value <= most) {
		t.Errorf("%s: %s is %g %s, more than %g", r.What, name, value, unit, most)
	}
}

// AtLeast adds a number, and fails the test where it is in full and less than least.
func (r *Row) AtLeast(t *testing.T, name string, value float64, unit string, least float64) {
	t.Helper()
	r.Figures = append(r.Figures, Figure{Name: name, Value: value, Unit: unit, Least: &least})
	if *full && !(value >= least) {
		t.Errorf("%s: %s is %g %s, less than %g", r.What, name, value, unit, least)
	}
}

// Recovers adds the time that a recovery took, and holds it against its bar.
func (r *Row) Recovers(t *testing.T, took, bar time.Duration) {
	t.Helper()
	r.Recovery = append(r.Recovery, took)
	Within(t, r.What+": recovery", took, bar)
}

// Report ends a row. Nothing may be lost, wrong or failed in it.
func (r Row) Report(t *testing.T) {
	t.Helper()
	if r.Times == 0 {
		t.Errorf("%s: never happened; this run has tested nothing", r.What)
	}
	if r.Lost+r.Wrong+r.Failed > 0 {
		t.Errorf("%s: %d acknowledged changes lost, %d wrong answers, %d requests failed", r.What, r.Lost, r.Wrong, r.Failed)
	}
	w := r.written(t.Name())
	t.Logf("%s: %s, %d times, %d requests: lost %d, wrong %d, failed %d; %s", w.Rule, w.What, w.Times, w.Requests, w.Lost, w.Wrong, w.Failed, w.Say())
	if err := harness.Record(w); err != nil {
		t.Error("recording what was shown:", err)
	}
}

// Written is a row as it is recorded.
type Written struct {
	Test     string   `json:"test"`
	Rule     string   `json:"rule"`
	What     string   `json:"what"`
	Times    int      `json:"times"`
	Requests int      `json:"requests"`
	Lost     int      `json:"lost"`
	Wrong    int      `json:"wrong"`
	Failed   int      `json:"failed"`
	Figures  []Figure `json:"figures,omitempty"`
	Note     string   `json:"note,omitempty"`
	Detail   any      `json:"detail,omitempty"`
}

func (r *Row) written(test string) Written {
	figures := r.Figures
	switch len(r.Recovery) {
	case 0:
	case 1:
		figures = append(figures, Figure{Name: "recovery", Value: MS(r.Recovery[0]), Unit: "ms"})
	default:
		for i, v := range Quantiles(r.Recovery, 0.5, 0.99, 1) {
			figures = append(figures, Figure{Name: "recovery " + []string{"median", "p99", "max"}[i], Value: MS(v), Unit: "ms"})
		}
	}
	if r.Slowest > 0 {
		figures = append(figures, Figure{Name: "slowest refusal of a change", Value: MS(r.Slowest), Unit: "ms"})
	}
	return Written{test, r.Rule, r.What, r.Times, r.Requests, r.Lost, r.Wrong, r.Failed, figures, r.Note, r.Detail}
}

// MS is a time as the value of a Figure, in milliseconds.
func MS(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Say is the figures and the note, for people.
func (w *Written) Say() string {
	var said []string
	for _, f := range w.Figures {
		said = append(said, f.String())
	}
	if w.Note != "" {
		said = append(said, w.Note)
	}
	return strings.Join(said, "; ")
}

// String is the figure for people: "p99 12 ms (at most 50)".
func (f Figure) String() string {
	text := strings.TrimSpace(fmt.Sprintf("%s %s %s", f.Name, readable(f.Value), f.Unit))
	switch {
	case f.Most != nil:
		return text + " (at most " + readable(*f.Most) + ")"
	case f.Least != nil:
		return text + " (at least " + readable(*f.Least) + ")"
	}
	return text
}

// readable is a number with three digits that say something, and all before its point.
func readable(v float64) string {
	by := 1.0
	if most := math.Abs(v); most > 0 && most < 100 {
		by = math.Pow10(2 - int(math.Floor(math.Log10(most))))
	}
	return strconv.FormatFloat(math.Round(v*by)/by, 'f', -1, 64)
}
