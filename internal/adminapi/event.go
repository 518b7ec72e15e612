package adminapi

import (
	"slices"
	"strconv"

	"github.com/tokenwright/tokenwright/internal/authority"
)

func (a *API) listEvents(r *request) (any, error) {
	f := authority.EventFilter{
		MerchantID: r.query.merchantID("merchantId", a.authority.Installation()), Env: r.env(),
		Kind: authority.EventKind(r.query.string("kind")), Subject: r.query.string("subject"), Actor: r.query.string("actor"),
		Since: r.query.instant("since"), Until: r.query.instant("until"),
	}
	if f.Kind != "" && !slices.Contains(authority.EventKinds(), f.Kind) {
		r.query.wrong("kind", "is no kind of event")
	}
	switch r.query.string("order") {
	case "", "asc":
	case "desc":
		f.NewestFirst = true
	default:
		r.query.wrong("order", "is neither asc nor desc")
	}
	first := r.query.sequence("after")
	return listOf(r, func(after string, limit int) ([]authority.Event, error) {
		seq := first
		if after != "" {
			seq, _ = strconv.ParseInt(after, 10, 64) // of a cursor of ours
		}
		return a.authority.Events(r.Context(), r.actor, f, seq, limit)
	}, func(e *authority.Event) string { return strconv.FormatInt(e.Seq, 10) }, a.wire.event)
}
