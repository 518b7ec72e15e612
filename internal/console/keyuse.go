package console

import (
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

const (
	week  = 7 * day
	month = 30 * day
)

// hours reads the use of the API key in the last 30 days.
func (v *visit) hours(k *authority.APIKey) ([]authority.HourUsage, error) {
	now := v.console.Authority.Now()
	return v.console.Authority.Usage(v.Request.Context(), v.actor, k.ID, firstDay(now), now.Add(time.Hour))
}

// firstDay is the first of the last 30 days, in UTC; today is the last one.
func firstDay(now time.Time) time.Time { return now.UTC().Truncate(day).Add(day - month) }

// keyUse is what the use of an API key adds up to.
type keyUse struct {
	Issued7, Issued30, Refused30 int64
	Days                         []dayUse
	BySecret                     map[int64]secretUse // by the ID of the secret
}

// dayUse is the use on a day of UTC.
type dayUse struct {
	Date            string
	Issued, Refused int64
}

type secretUse struct{ Issued7, Issued30 int64 }

// sum adds up the hours of the last 30 days.
func sum(hours []authority.HourUsage, now time.Time) *keyUse {
	u := &keyUse{BySecret: map[int64]secretUse{}}
	first := firstDay(now)
	for date := first; !date.After(now); date = date.Add(day) {
		u.Days = append(u.Days, dayUse{Date: date.Format(time.DateOnly)})
	}
	for i := range hours {
		if at := int(hours[i].Hour.Sub(first) / day); !hours[i].Hour.Before(first) && at < len(u.Days) {
			u.add(&hours[i], &u.Days[at], now)
		}
	}
	return u
}

func (u *keyUse) add(h *authority.HourUsage, day *dayUse, now time.Time) {
	switch h.Outcome {
	case authority.Authenticated: // no request for a token
	case authority.Issued:
		s := u.BySecret[h.SecretID]
		s.Issued30 += h.Count
		u.Issued30 += h.Count
		day.Issued += h.Count
		if !h.Hour.Before(now.Add(-week).Truncate(time.Hour)) {
			s.Issued7 += h.Count
			u.Issued7 += h.Count
		}
		u.BySecret[h.SecretID] = s
	default:
		u.Refused30 += h.Count
		day.Refused += h.Count
	}
}

// verdict says from real use whether an API key can be deleted.
type verdict struct {
	Kind       string // "new", "unused", "quiet" or "used"
	CreatedAt  time.Time
	LastUsedAt time.Time
	Issued     int64 // in 30 days
}

// verdictOf follows authority's rule for what is safe.
func verdictOf(k *authority.APIKey, now time.Time, u *keyUse) verdict {
	d := verdict{"used", k.CreatedAt, k.LastUsedAt, u.Issued30}
	switch safe := k.SafeToDelete(now); {
	case safe && k.LastUsedAt.IsZero():
		d.Kind = "unused"
	case safe:
		d.Kind = "quiet"
	case k.LastUsedAt.IsZero():
		d.Kind = "new"
	}
	return d
}
