package store

import (
	"context"
	"strconv"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// What is told of the uses in an hour is counted beside the outcomes. That the
// row is new says that nobody has told of that hour yet.
const (
	usedRetired  = "retired"       // uses of a retired secret, each by itself
	reachedLimit = "limit_reached" // whatever the secret
)

// AddUsage implements authority.Store. The event counter is locked behind the
// rows of usage, and only where there is an event; nobody locks them the other
// way round.
func (s *Store) AddUsage(ctx context.Context, uses []authority.Use,
	event func(authority.EventKind, *authority.Use, authority.MerchantID) *authority.Draft) error {
	return s.transact(ctx, func(t *tx) error {
		if err := inBatches(uses, t.addUsage); err != nil {
			return err
		}
		if err := inBatches(lastOf(uses), t.moveLastUses); err != nil {
			return err
		}
		news, err := t.newsOf(uses)
		if err != nil {
			return err
		}
		if err := t.addTotals(uses); err != nil {
			return err
		}
		for _, n := range news {
			if err := t.tell(n, event); err != nil {
				return err
			}
		}
		return nil
	})
}

// addToUsage is an upsert of rows of usage.
func addToUsage(rows int) string {
	return `INSERT INTO usage (api_key_id, hour, secret_id, outcome, count) VALUES ` + rowsOf(rows, 5) + `
		ON CONFLICT (api_key_id, hour, secret_id, outcome) DO UPDATE SET count = usage.count + excluded.count`
}

func (t *tx) addUsage(uses []authority.Use) error {
	args := make([]any, 0, 5*len(uses))
	for i := range uses {
		u := &uses[i]
		args = append(args, u.ClientID, millis(u.Hour), u.SecretID, u.Outcome, u.Count)
	}
	return t.exec(addToUsage(len(uses)), args...)
}

// lastOf are the last uses of secrets among uses, in their order.
func lastOf(uses []authority.Use) []authority.Use {
	type secret struct {
		key authority.ClientID
		id  int64
	}
	place := map[secret]int{}
	var last []authority.Use
	for _, u := range uses {
		if u.SecretID == 0 {
			continue
		}
		at, ok := place[secret{u.ClientID, u.SecretID}]
		if !ok {
			place[secret{u.ClientID, u.SecretID}] = len(last)
			last = append(last, u)
		} else if u.At.After(last[at].At) {
			last[at] = u
		}
	}
	return last
}

func (t *tx) moveLastUses(uses []authority.Use) error {
	args := make([]any, 0, 4*len(uses))
	for i := range uses {
		u := &uses[i]
		args = append(args, u.ClientID, u.SecretID, millis(u.At), u.Address)
	}
	return t.exec(`INSERT INTO last_uses (api_key_id, secret_id, at, address) VALUES `+rowsOf(len(uses), 4)+`
		ON CONFLICT (api_key_id, secret_id) DO UPDATE SET at = excluded.at, address = excluded.address WHERE excluded.at > last_uses.at`, args...)
}

// news is a use to tell of.
type news struct {
	kind authority.EventKind
	use  *authority.Use
}

// newsOf counts the uses to tell of, and returns those of which nobody has told.
func (t *tx) newsOf(uses []authority.Use) (list []news, err error) {
	for i := range uses {
		u := &uses[i]
		for _, kind := range u.Tells() {
			secret, outcome := u.SecretID, usedRetired
			if kind == authority.LimitReached {
				secret, outcome = 0, reachedLimit
			}
			total, err := t.count(addToUsage(1)+` RETURNING count`, u.ClientID, millis(u.Hour), secret, outcome, u.Count)
			if err != nil {
				return nil, err
			}
			if int64(total) == u.Count {
				list = append(list, news{kind, u})
			}
		}
	}
	return list, nil
}

func (t *tx) tell(n news, event func(authority.EventKind, *authority.Use, authority.MerchantID) *authority.Draft) error {
	var merchant authority.MerchantID
	err := t.QueryRowContext(t.ctx, `SELECT coalesce(merchant_id, '') FROM api_keys WHERE id = $1`, n.use.ClientID).Scan(&merchant)
	if err = noRow(err, nil); err != nil { // after a restore the API key may never have been
		return err
	}
	return t.append(event(n.kind, n.use, merchant))
}

// Usage implements authority.Store.
func (s *Store) Usage(ctx context.Context, id authority.ClientID, from, to time.Time) (list []authority.HourUsage, err error) {
	err = s.snapshot(ctx, func(t *tx) error {
		list, err = collect(t, func(r row, u *authority.HourUsage) error {
			return r.Scan(timestamp{&u.Hour}, &u.SecretID, &u.Outcome, &u.Count)
		}, `SELECT hour, secret_id, outcome, count FROM usage
			WHERE api_key_id = $1 AND hour >= $2 AND hour < $3 AND outcome NOT IN ($4, $5) ORDER BY hour, secret_id, outcome`,
			id, millis(from), millis(to), usedRetired, reachedLimit)
		return err
	})
	return list, err
}

// UsageSeries implements authority.Store.
func (s *Store) UsageSeries(ctx context.Context, q authority.UsageQuery) (list []authority.UsageCount, err error) {
	interval := strconv.FormatInt(q.Interval.Milliseconds(), 10) // whole hours
	var w where
	from, at := `usage_totals`, `began`
	if q.ClientID != "" {
		from, at = `usage`, `hour`
		w.equal("api_key_id", string(q.ClientID))
		w.add("hour >=", millis(q.From))
		w.add("hour <", millis(q.To))
		w.add("outcome <>", usedRetired)
		w.add("outcome <>", reachedLimit)
	} else {
		w.totalsOf(&q)
	}
	query := `SELECT ` + at + ` / ` + interval + ` * ` + interval + ` AS interval_began, outcome, CAST(sum(count) AS BIGINT) FROM ` + from + w.text() + `
		GROUP BY interval_began, outcome ORDER BY interval_began, outcome`
	err = s.snapshot(ctx, func(t *tx) error {
		list, err = collect(t, func(r row, u *authority.UsageCount) error {
			return r.Scan(timestamp{&u.Time}, &u.Outcome, &u.Count)
		}, query, w.args...)
		return err
	})
	return list, err
}

// lastUse reads when and from where any secret of k was last used.
func (t *tx) lastUse(k *authority.APIKey) error {
	err := t.QueryRowContext(t.ctx, `SELECT at, address FROM last_uses WHERE api_key_id = $1 ORDER BY at DESC LIMIT 1`, k.ID).
		Scan(timestamp{&k.LastUsedAt}, &k.LastUsedFrom)
	return noRow(err, nil)
}

// DeleteUsage implements authority.Store.
func (s *Store) DeleteUsage(ctx context.Context, before time.Time, limit int) (n int, err error) {
	err = s.transact(ctx, func(t *tx) error {
		n, err = t.affect(`DELETE FROM usage WHERE (api_key_id, hour, secret_id, outcome) IN
			(SELECT api_key_id, hour, secret_id, outcome FROM usage WHERE hour < $1 ORDER BY hour LIMIT $2)`, millis(before), limit)
		return err
	})
	return n, err
}
