package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// total is a row of usage_totals.
type total struct {
	merchant authority.MerchantID // "" for all
	span     time.Duration
	began    time.Time
	env      string
	outcome  authority.Outcome
}

const day = 24 * time.Hour

// addTotals adds uses to what merchants, and all together, have: by hour, of all
// by day too. Days of each merchant would be as many rows to write again, and
// spare a page of a year 10,000 to read. The rows of all
// are everybody's, so each node writes rows in one order, and these are the last
// before an event.
func (t *tx) addTotals(uses []authority.Use) error {
	owners, err := t.owners(uses)
	if err != nil {
		return err
	}
	sums := map[total]int64{}
	for i := range uses {
		u := &uses[i]
		merchant, ok := owners[u.ClientID]
		if !ok { // after a restore the API key may never have been
			continue
		}
		sums[total{"", time.Hour, u.Hour, u.Env, u.Outcome}] += u.Count
		sums[total{"", day, u.Hour.Truncate(day), u.Env, u.Outcome}] += u.Count
		if merchant != "" {
			sums[total{merchant, time.Hour, u.Hour, u.Env, u.Outcome}] += u.Count
		}
	}
	rows := make([]total, 0, len(sums))
	for row := range sums {
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b total) int {
		return cmp.Or(cmp.Compare(a.merchant, b.merchant), cmp.Compare(a.span, b.span), a.began.Compare(b.began),
			cmp.Compare(a.env, b.env), cmp.Compare(a.outcome, b.outcome))
	})
	return inBatches(rows, func(some []total) error {
		args := make([]any, 0, 6*len(some))
		for _, row := range some {
			args = append(args, row.merchant, row.span.Milliseconds(), millis(row.began), row.env, row.outcome, sums[row])
		}
		return t.exec(`INSERT INTO usage_totals (merchant_id, span, began, env, outcome, count) VALUES `+rowsOf(len(some), 6)+`
			ON CONFLICT (merchant_id, span, began, env, outcome) DO UPDATE SET count = usage_totals.count + excluded.count`, args...)
	})
}

// owner is whose an API key is; "" for an operator key.
type owner struct {
	key      authority.ClientID
	merchant authority.MerchantID
}

func scanOwner(r row, o *owner) error { return r.Scan(&o.key, &o.merchant) }

// owners returns whose the used API keys are.
func (t *tx) owners(uses []authority.Use) (map[authority.ClientID]authority.MerchantID, error) {
	ids := make([]authority.ClientID, len(uses))
	for i := range uses {
		ids[i] = uses[i].ClientID
	}
	slices.Sort(ids)
	owners := make(map[authority.ClientID]authority.MerchantID, len(ids))
	return owners, inBatches(slices.Compact(ids), func(some []authority.ClientID) error {
		return each(t, scanOwner, func(o *owner) error {
			owners[o.key] = o.merchant
			return nil
		}, `SELECT id, coalesce(merchant_id, '') FROM api_keys WHERE id IN `+listOf(len(some)), arguments(some)...)
	})
}

// totalsOf selects from usage_totals what q asks for: days where there are such.
func (w *where) totalsOf(q *authority.UsageQuery) {
	span := time.Hour
	if q.MerchantID == "" && q.Interval%day == 0 && q.From.Equal(q.From.Truncate(day)) && q.To.Equal(q.To.Truncate(day)) {
		span = day
	}
	w.add("merchant_id =", q.MerchantID)
	w.add("span =", span.Milliseconds())
	w.equal("env", q.Env)
	w.add("began >=", millis(q.From))
	w.add("began <", millis(q.To))
}

// DeleteUsageTotals implements authority.Store.
func (s *Store) DeleteUsageTotals(ctx context.Context, before time.Time, limit int) (n int, err error) {
	err = s.transact(ctx, func(t *tx) error {
		n, err = t.affect(`DELETE FROM usage_totals WHERE (merchant_id, span, began, env, outcome) IN
			(SELECT merchant_id, span, began, env, outcome FROM usage_totals WHERE began < $1 AND began + span <= $1 ORDER BY began LIMIT $2)`,
			millis(before), limit)
		return err
	})
	return n, err
}

// TopKeys implements authority.Store.
func (s *Store) TopKeys(ctx context.Context, q authority.UsageQuery, limit int) (list []authority.KeyTotal, err error) {
	var w where
	w.equal("merchant_id", string(q.MerchantID))
	w.equal("env", q.Env)
	w.add("hour >=", millis(q.From))
	w.add("hour <", millis(q.To))
	issued := w.argument(authority.Issued)
	others := issued + `, ` + w.argument(authority.Authenticated) + `, ` + w.argument(usedRetired) + `, ` + w.argument(reachedLimit)
	query := `SELECT k.id, k.name, k.env, k.status, CAST(sum(CASE WHEN outcome = ` + issued + ` THEN count ELSE 0 END) AS BIGINT) AS issued,
		CAST(sum(CASE WHEN outcome NOT IN (` + others + `) THEN count ELSE 0 END) AS BIGINT) AS refused
		FROM api_keys k CROSS JOIN usage ` + w.text() + ` AND api_key_id = k.id
		GROUP BY k.id, k.name, k.env, k.status ORDER BY issued DESC, refused DESC, k.id LIMIT ` + w.argument(limit)
	err = s.snapshot(ctx, func(t *tx) error {
		list, err = collect(t, func(r row, k *authority.KeyTotal) error {
			return r.Scan(&k.ClientID, &k.Name, &k.Env, &k.Status, &k.Issued, &k.Refused)
		}, query, w.args...)
		return err
	})
	return list, err
}
