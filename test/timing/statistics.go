package timing

import (
	"fmt"
	"math"
	"slices"
	"time"
)

const (
	// trimmed is the part of each kind's requests, the slowest ones, that is
	// not counted: the scheduler, the garbage collector or another process
	// stood in their way. It is the same part of every kind, so what one kind
	// really needs longer stays visible: a difference moves every request, an
	// interruption a few.
	trimmed = 0.05
	// Two kinds look alike with medians within 5 % and Welch's t below 4.5,
	// which is the limit that leakage tests of hardware use; chance alone
	// passes it once in 100,000 comparisons.
	mostApart = 0.05
	mostT     = 4.5
)

// figure is a number that is kept with three decimals.
type figure float64

// MarshalJSON implements json.Marshaler.
func (f figure) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%.3f", f), nil }

// Kind is what was measured of one kind of request, in microseconds.
type Kind struct {
	Name   string `json:"kind"`
	N      int    `json:"n"` // counted, after trimming
	Median figure `json:"median_us"`
	Mean   figure `json:"mean_us"`
	SD     figure `json:"sd_us"` // standard deviation
}

// summarize trims the times of a kind and describes the rest.
func summarize(name string, times []time.Duration) Kind {
	sorted := slices.Sorted(slices.Values(times))
	sorted = sorted[:len(sorted)-int(trimmed*float64(len(sorted)))]
	n := len(sorted)
	mean, variance := 0.0, 0.0
	for _, d := range sorted {
		mean += us(d) / float64(n)
	}
	for _, d := range sorted {
		variance += (us(d) - mean) * (us(d) - mean) / float64(n-1)
	}
	median := (us(sorted[(n-1)/2]) + us(sorted[n/2])) / 2
	return Kind{Name: name, N: n, Median: figure(median), Mean: figure(mean), SD: figure(math.Sqrt(variance))}
}

func us(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// Pair is a comparison of two kinds.
type Pair struct {
	A     string `json:"a"`
	B     string `json:"b"`
	Ratio figure `json:"ratio_of_medians"` // of A to B
	T     figure `json:"t"`                // Welch's
	// Visible is the smallest difference of the means that would have been
	// found: that of t = 4.5.
	Visible figure `json:"visible_us"`
}

// compare compares two kinds by their medians and by Welch's t, which does not
// ask that both scatter alike.
func compare(a, b Kind) Pair {
	deviation := figure(math.Sqrt(float64(a.SD*a.SD)/float64(a.N) + float64(b.SD*b.SD)/float64(b.N)))
	return Pair{A: a.Name, B: b.Name, Ratio: a.Median / b.Median, T: (a.Mean - b.Mean) / deviation, Visible: mostT * deviation}
}

// alike tells whether the two kinds cannot be told apart.
func (p Pair) alike() bool {
	return p.apart() <= mostApart && math.Abs(float64(p.T)) < mostT
}

// apart is by how much the greater median exceeds the other.
func (p Pair) apart() float64 { return math.Expm1(math.Abs(math.Log(float64(p.Ratio)))) }
