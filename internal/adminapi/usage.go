package adminapi

import (
	"time"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/authority"
)

func (a *API) usage(r *request) (any, error) {
	q := authority.UsageQuery{
		ClientID:     authority.ClientID(r.query.string("clientId")),
		APIKeyFilter: r.keyFilter(),
		To:           r.query.instant("to"), From: r.query.instant("from"), Interval: time.Hour,
	}
	interval := "hour"
	switch text := r.query.string("interval"); text {
	case "", "hour":
	case "day":
		interval, q.Interval = text, day
	default:
		r.query.wrong("interval", "is neither hour nor day")
	}
	if q.To.IsZero() {
		q.To = a.authority.Now().Add(q.Interval).Truncate(q.Interval)
	}
	if q.From.IsZero() {
		q.From = q.To.Add(-day)
	}
	q.From, q.To = q.From.UTC(), q.To.UTC()
	if err := r.checkInput(); err != nil {
		return nil, err
	}
	list, err := a.authority.UsageSeries(r.Context(), r.actor, q)
	return &admin.UsageSeries{From: q.From, To: q.To, Interval: interval, Items: wireAll(list, func(u *authority.UsageCount) admin.UsageCount {
		return admin.UsageCount{Time: u.Time, Outcome: string(u.Outcome), Count: u.Count}
	})}, err
}
