package console

import (
	"fmt"
	"slices"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// timeline is a drawing of the lives of signing keys. What lies on the axis of
// time is a percentage of the width, so that words keep their size; heights are
// those of the style sheet's rows.
type timeline struct {
	Height, Bottom, TickY int
	Ticks                 []mark
	Now                   mark
	NowEnd                bool // the word stands before the line
	Rows                  []timelineRow
}

// mark is a place on the axis.
type mark struct{ X, Text string }

type timelineRow struct {
	Name        mark
	NameY, BarY int
	Bars        []bar
}

// bar is a time in which a signing key has one status: a class of the style sheet.
type bar struct{ Class, X, Width string }

const (
	rowHeight = 44 // text at +14, bar at +22
	// drawnPast is how many keys that are no longer published a drawing has.
	drawnPast = 2
	// thinnest is how wide a bar is at least, in percent: 11 minutes of 90 days
	// would not be seen.
	thinnest = 0.7
)

// span is the time that a drawing shows.
type span struct{ from, to time.Time }

func (s span) percent(t time.Time) float64 {
	p := 100 * float64(t.Sub(s.from)) / float64(s.to.Sub(s.from))
	return min(100, max(0, p))
}

func percentText(p float64) string { return fmt.Sprintf("%.2f%%", p) }

// newTimeline draws the keys of one environment, the oldest first; rotatesAt is
// when the next one takes over, zero for not planned.
func newTimeline(keys []authority.SigningKey, rotatesAt, now time.Time) *timeline {
	keys = drawn(keys)
	s := span{now.Add(-time.Hour), now.Add(time.Hour)}
	for i := range keys {
		for _, at := range []time.Time{keys[i].CreatedAt, keys[i].RipeAt, keys[i].KeptUntil(), rotatesAt} {
			s.include(at)
		}
	}
	pad := s.to.Sub(s.from) / 25
	s.from, s.to = s.from.Add(-pad), s.to.Add(pad)
	t := &timeline{Bottom: len(keys)*rowHeight + 16, Ticks: s.ticks(), Now: mark{percentText(s.percent(now)), "now"}}
	t.TickY, t.Height = t.Bottom+16, t.Bottom+22
	t.NowEnd = s.percent(now) > 85
	for i := range keys {
		row := timelineRow{NameY: 16 + i*rowHeight + 14, BarY: 16 + i*rowHeight + 22, Bars: s.bars(&keys[i], rotatesAt, i == next(keys))}
		row.Name = mark{percentText(min(80, s.percent(keys[i].CreatedAt))), shortKeyID(keys[i].KeyID)}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// drawn are the published keys, and the last of those that no longer are.
func drawn(keys []authority.SigningKey) (list []authority.SigningKey) {
	past := 0
	for _, k := range slices.Backward(keys) {
		if !k.RemovedAt.IsZero() {
			if past++; past > drawnPast {
				continue
			}
		}
		list = append(list, k)
	}
	slices.Reverse(list)
	return list
}

// next is the place of the announced key that takes over, or -1: the one that
// somebody wants, else the oldest.
func next(keys []authority.SigningKey) int {
	announced := func(k authority.SigningKey) bool { return k.Status == authority.SigningKeyAnnounced }
	if i := slices.IndexFunc(keys, func(k authority.SigningKey) bool { return announced(k) && !k.WantedAt.IsZero() }); i >= 0 {
		return i
	}
	return slices.IndexFunc(keys, announced)
}

func (s *span) include(t time.Time) {
	if t.IsZero() {
		return
	}
	if t.Before(s.from) {
		s.from = t
	}
	if t.After(s.to) {
		s.to = t
	}
}

// bars are the times of a key in each status; what is to come among them, as far
// as it is known.
func (s span) bars(k *authority.SigningKey, rotatesAt time.Time, isNext bool) (list []bar) {
	add := func(class string, from, to time.Time) {
		if to.IsZero() {
			to = s.to
		}
		x := s.percent(from)
		width := max(thinnest, s.percent(to)-x)
		list = append(list, bar{class, percentText(min(x, 100-thinnest)), percentText(width)})
	}
	end := k.RemovedAt // of what the key was last
	if k.Status == authority.SigningKeyAnnounced && isNext {
		end = rotatesAt
	}
	add("announced", k.CreatedAt, first(k.ActivatedAt, end))
	if !k.ActivatedAt.IsZero() {
		if k.Status == authority.SigningKeyActive {
			end = rotatesAt
		}
		add("signing", k.ActivatedAt, first(k.RetiredAt, end))
	}
	if !k.RetiredAt.IsZero() {
		add("retired", k.RetiredAt, first(k.RemovedAt, k.KeptUntil()))
	}
	if !k.RemovedAt.IsZero() {
		add(string(k.Status), k.RemovedAt, k.RemovedAt.Add(s.to.Sub(s.from)/50))
	}
	return list
}

// first returns the first time that is known.
func first(times ...time.Time) time.Time {
	for _, t := range times {
		if !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// ticks are three to six beginnings of minutes, hours, days or so, in UTC.
func (s span) ticks() (list []mark) {
	steps := []time.Duration{15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 6 * time.Hour, 12 * time.Hour,
		day, 2 * day, 4 * day, 7 * day, 14 * day, 30 * day, 60 * day, 120 * day, 240 * day, 365 * day}
	step := steps[len(steps)-1]
	for _, d := range steps {
		if s.to.Sub(s.from) <= 6*d {
			step = d
			break
		}
	}
	format := "2 Jan"
	if step < day {
		format = "15:04"
	}
	for t := s.from.UTC().Truncate(step).Add(step); t.Before(s.to); t = t.Add(step) {
		if x := s.percent(t); x < 92 { // the word would be cut
			list = append(list, mark{percentText(x), t.Format(format)})
			if step < day && len(list) == 1 {
				list[0].Text += " UTC" // beside words in the reader's zone
			}
		}
	}
	return list
}

// shortKeyID is the beginning of a key ID, by which people tell them apart.
func shortKeyID(kid string) string {
	if len(kid) <= 8 {
		return kid
	}
	return kid[:8] + "…"
}
