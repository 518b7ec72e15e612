package timing

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// The samples are those of example 1 in Wikipedia's article on Welch's t-test,
// whose t is -2.46.
func TestWelchsTOfKnownSamples(t *testing.T) {
	a := describe(27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4)
	b := describe(27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 20.5, 24.4)
	if p := compare(a, b); !near(p.T, -2.455) || !near(p.Ratio, 21.0/22.9) {
		t.Errorf("medians %g and %g, %+v", a.Median, b.Median, p)
	}
	if even := describe(4, 1, 3, 2); even.Median != 2.5 || even.Mean != 2.5 || !near(even.SD, 1.291) {
		t.Errorf("of 1, 2, 3, 4: %+v", even)
	}
}

func near(got figure, want float64) bool { return math.Abs(float64(got)-want) < 0.001 }

// describe summarizes a sample that is too small for trimming.
func describe(microseconds ...float64) Kind {
	var times []time.Duration
	for _, v := range microseconds {
		times = append(times, time.Duration(v*float64(time.Microsecond)))
	}
	return summarize("sample", times)
}

func TestEqualSamplesAreAlikeAndShiftedOnesAreNot(t *testing.T) {
	for name, c := range map[string]struct {
		by    float64 // what b needs longer
		alike bool
	}{
		"equal": {1, true}, "3 % slower, seen by t": {1.03, false}, "3 % faster": {0.97, false}, "6 % slower": {1.06, false},
	} {
		random := rand.New(rand.NewPCG(1, 2)) // the same samples in every run
		a, b := summarize("a", sample(random, 1)), summarize("b", sample(random, c.by))
		if p := compare(a, b); p.alike() != c.alike {
			t.Errorf("%s: alike is %t: %+v", name, p.alike(), p)
		}
	}
}

// With much scatter t is small: then the medians must tell.
func TestMediansAloneTellKindsApart(t *testing.T) {
	p := compare(Kind{Name: "a", N: 1900, Median: 106, Mean: 110, SD: 200}, Kind{Name: "b", N: 1900, Median: 100, Mean: 105, SD: 200})
	if math.Abs(float64(p.T)) > 1 || p.alike() {
		t.Errorf("alike is %t: %+v", p.alike(), p)
	}
}

// sample is 2,000 times of around 60 µs, skewed to the right as times are, and
// one in 50 of them interrupted.
func sample(random *rand.Rand, by float64) []time.Duration {
	times := make([]time.Duration, 2000)
	for i := range times {
		v := 60 * math.Exp(random.NormFloat64()/10) * by
		if random.IntN(50) == 0 {
			v *= 1 + 100*random.Float64()
		}
		times[i] = time.Duration(v * float64(time.Microsecond))
	}
	return times
}
