package authority

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/tokenwright/tokenwright/internal/credential"
)

// Outcome is how a use of an API key ended: issued, authenticated, or the
// Reason of a refusal.
type Outcome string

const (
	// Issued is the outcome of a request that got a token.
	Issued Outcome = "issued"
	// Authenticated is that of a request that proved its secret for anything
	// but a token.
	Authenticated Outcome = "authenticated"
)

// outcomes are what is counted, by the number that usageKey has for them.
var outcomes = [...]Outcome{
	Issued, Authenticated,
	Outcome(WrongSecret), Outcome(SuspendedMerchant), Outcome(OtherAddress), Outcome(SecretExpired), Outcome(KeyExpired), Outcome(KeyDisabled),
	Outcome(ScopeForm), Outcome(ScopeNotHeld), Outcome(ScopeNone), Outcome(ScopeTwoResource), Outcome(ScopeOther), Outcome(ResourceUnknown),
	Outcome(IDOtherEnvironment), Outcome(SecretPlaceholder), Outcome(SecretBlanks), Outcome(SecretQuotes), Outcome(SecretIsID),
	Outcome(SecretForm), Outcome(SecretChecksum), Outcome(SecretOtherEnv), Outcome(UnknownID), Outcome(RateLimited),
}

const (
	// usageShards keep requests of different API keys from waiting for each other.
	usageShards   = 64
	usageInterval = 5 * time.Second
	// endTimeout is how long a server that ends waits for its last usage.
	endTimeout = 5 * time.Second
	// usageBatch is how much one transaction writes: it keeps the one writer of
	// SQLite for about 20 ms.
	usageBatch = 1000
	// usageNews is of how many of them an event may be made. Each takes statements of
	// its own, and all have to come within the time of a transaction, of a database
	// some milliseconds away too.
	usageNews = 50
	// usageWaiting is how many rows wait for a store that does not take them
	// before hours are given up: what is then counted is bounded by the secrets
	// there are.
	usageWaiting = 200_000

	hourMillis = int64(time.Hour / time.Millisecond)
)

// usage counts what API keys are used for, in memory, until FlushUsage writes it
// down. It knows only API keys that exist, so they bound it. The zero value is
// ready.
type usage struct {
	shards [usageShards]usageShard
}

// usageShard holds its lock for one look-up; what is in it has no pointers for
// the garbage collector to follow.
type usageShard struct {
	mu    sync.Mutex
	index map[usageKey]uint32 // of uses
	uses  []useCount
	_     [24]byte // a cache line of its own
}

// usageKey is what is counted apart. The zero ID stands for all that are nobody's.
type usageKey struct {
	id      [credential.IDLength]byte
	env     uint8
	outcome uint8
	secret  uint32 // 0 where none was proven
	hour    uint32 // since 1970
}

// useCount is how often, and when and from where last.
type useCount struct {
	usageKey
	count   int64
	at      int64 // Unix milliseconds
	address [16]byte
	retired bool // another secret had taken its place
}

// count takes note of a request. Where the API key does not exist it does the
// same work, and what it counts is thrown away (C-037).
func (u *usage) count(key *keyEntry, secret *secretEntry, outcome Outcome, now time.Time, from netip.Addr) {
	at := now.UnixMilli()
	k := usageKey{secret: secret.id, hour: uint32(at / hourMillis), outcome: uint8(slices.Index(outcomes[:], outcome))}
	if key != nil {
		k.id, k.env = key.id, key.env
	}
	s := &u.shards[k.shard()]
	s.mu.Lock()
	n := s.find(k)
	n.count++
	n.retired = n.retired || secret.retired
	if at >= n.at {
		n.at = at
		if from.IsValid() {
			n.address = from.As16()
		}
	}
	s.mu.Unlock()
}

func (k *usageKey) shard() int {
	return (int(k.id[0])*7 + int(k.id[credential.IDLength-1])) % usageShards
}

// countUnproven takes note of a request that was refused before anything was
// looked up, but for what its client ID says.
func (a *Authority) countUnproven(d *directory, id credential.ID, reason Reason, now time.Time, from netip.Addr) {
	env := environmentIndex(a.environments, id.Env)
	if env < 0 || id.Random == "" {
		return
	}
	_, key := d.find(env, id.Random)
	a.usage.count(key, &secretEntry{}, Outcome(reason), now, from)
}

// find returns the counter of k, a new one where there is none.
func (s *usageShard) find(k usageKey) *useCount {
	i, ok := s.index[k]
	if !ok {
		if s.index == nil {
			s.index = make(map[usageKey]uint32)
		}
		i = uint32(len(s.uses))
		s.index[k] = i
		s.uses = append(s.uses, useCount{usageKey: k})
	}
	return &s.uses[i]
}

// take empties u. What it returns is in one order on every node, so that two
// that write at the same time do not lock each other's rows crosswise.
func (u *usage) take() []useCount {
	var all []useCount
	for i := range u.shards {
		s := &u.shards[i]
		s.mu.Lock()
		size := len(s.uses)
		s.mu.Unlock()
		if size == 0 {
			continue
		}
		index, uses := make(map[usageKey]uint32, size), make([]useCount, 0, size) // as much again is likely
		s.mu.Lock()
		s.index = index
		s.uses, uses = uses, s.uses
		s.mu.Unlock()
		all = append(all, uses...)
	}
	all = slices.DeleteFunc(all, func(n useCount) bool { return n.id[0] == 0 })
	slices.SortFunc(all, func(a, b useCount) int {
		return cmp.Or(cmp.Compare(a.env, b.env), bytes.Compare(a.id[:], b.id[:]), cmp.Compare(a.hour, b.hour),
			cmp.Compare(a.secret, b.secret), cmp.Compare(a.outcome, b.outcome))
	})
	return all
}

// waiting is how many counts are in u.
func (u *usage) waiting() (n int) {
	for i := range u.shards {
		s := &u.shards[i]
		s.mu.Lock()
		n += len(s.uses)
		s.mu.Unlock()
	}
	return n
}

// putBack adds what could not be written down to what was counted since.
func (u *usage) putBack(rest []useCount, now time.Time) {
	hour := uint32(now.UnixMilli() / hourMillis)
	for i := range rest {
		n := &rest[i]
		if len(rest) > usageWaiting {
			n.hour = hour
		}
		s := &u.shards[n.shard()]
		s.mu.Lock()
		to := s.find(n.usageKey)
		to.count += n.count
		to.retired = to.retired || n.retired
		if n.at > to.at {
			to.at, to.address = n.at, n.address
		}
		s.mu.Unlock()
	}
}

// FlushUsage writes down what was counted since the last time. After an error
// nothing is lost: what was not written is kept, and written the next time.
func (a *Authority) FlushUsage(ctx context.Context) error {
	all := a.usage.take()
	for len(all) > 0 {
		var batch []Use
		for told := 0; len(batch) < min(len(all), usageBatch) && told < usageNews; {
			u := a.use(&all[len(batch)])
			told += len(u.Tells())
			batch = append(batch, u)
		}
		news := map[firstUse]bool{} // a transaction may have to be run again
		err := a.store.AddUsage(ctx, batch, func(kind EventKind, u *Use, merchant MerchantID) *Draft {
			news[firstUse{kind, u}] = true
			return a.firstUsed(kind, u, merchant)
		})
		if err != nil {
			a.usage.putBack(all, a.clock())
			return fmt.Errorf("writing usage: %w", err)
		}
		for first := range news {
			a.logger.Warn(firstUses[first.kind], "client_id", string(first.use.ClientID), "secret_id", first.use.SecretID, "address", first.use.Address)
		}
		all = all[len(batch):]
	}
	return nil
}

// use puts what was counted in the words of the store.
func (a *Authority) use(n *useCount) Use {
	u := Use{
		ClientID: a.clientID(n.env, n.id), Env: a.environments[n.env].Name, SecretID: int64(n.secret), Outcome: outcomes[n.outcome],
		Hour: time.UnixMilli(int64(n.hour) * hourMillis).UTC(), Count: n.count, At: time.UnixMilli(n.at).UTC(), Retired: n.retired,
	}
	if n.address != [16]byte{} {
		u.Address = netip.AddrFrom16(n.address).Unmap().String()
	}
	return u
}

// clientID puts together what the directory keeps of a client ID.
func (a *Authority) clientID(env uint8, random [credential.IDLength]byte) ClientID {
	return ClientID(a.format.Write(credential.ID{Env: a.environments[env].Name, Random: string(random[:])}))
}

// Tells are the kinds of events that are made of the first such use in an hour.
func (u *Use) Tells() (kinds []EventKind) {
	if u.Retired && u.SecretID != 0 {
		kinds = append(kinds, RetiredSecretUsed)
	}
	if u.Outcome == Outcome(RateLimited) {
		kinds = append(kinds, LimitReached)
	}
	return kinds
}

// firstUse is a use of which there is an event.
type firstUse struct {
	kind EventKind
	use  *Use
}

// firstUses are what the log says of them.
var firstUses = map[EventKind]string{
	RetiredSecretUsed: "a retired secret is in use",
	LimitReached:      "an API key has reached its limit of token requests",
}

func (a *Authority) firstUsed(kind EventKind, u *Use, merchant MerchantID) *Draft {
	set := details{"secretId": u.SecretID, "usedAt": u.At, "address": u.Address}
	return a.draft(system, kind, string(u.ClientID), set).about(merchant, u.Env)
}

// SweepUsage deletes usage of longer ago than the configured retention, and
// what was noted of notices about what has ended.
func (a *Authority) SweepUsage(ctx context.Context) error {
	before := a.now().Add(-a.usageRetention)
	for _, deleteOld := range []func(context.Context, time.Time, int) (int, error){a.store.DeleteUsage, a.store.DeleteUsageTotals} {
		for n := usageBatch; n == usageBatch; {
			var err error
			if n, err = deleteOld(ctx, before, usageBatch); err != nil {
				return fmt.Errorf("deleting old usage: %w", err)
			}
		}
	}
	// A day later, for nodes whose clocks are behind.
	if err := a.store.DeleteExpiryNotices(ctx, a.now().Add(-24*time.Hour)); err != nil {
		return fmt.Errorf("deleting old notices: %w", err)
	}
	return nil
}

// Usage returns what is recorded of an API key in the hours that begin in
// [from, to); the last seconds may not be written down yet.
func (a *Authority) Usage(ctx context.Context, actor Actor, id ClientID, from, to time.Time) ([]HourUsage, error) {
	if _, err := a.APIKey(ctx, actor, id); err != nil {
		return nil, err
	}
	list, err := a.store.Usage(ctx, id, from, to)
	if err != nil {
		return nil, fmt.Errorf("reading usage: %w", err)
	}
	return list, nil
}

// UsageQuery selects what is counted: the use of one API key, of all of a
// merchant, or of all there are; of merchants and of all also in one environment.
type UsageQuery struct {
	ClientID ClientID
	// All is every merchant, and operator keys: for actors who see them.
	All bool
	APIKeyFilter
	From, To time.Time     // From is included, To is not
	Interval time.Duration // an hour or a day
}

// UsageCount is how often API keys were used with one outcome in an interval.
type UsageCount struct {
	Time    time.Time // its beginning
	Outcome Outcome
	Count   int64
}

// maxIntervals is how many a UsageQuery may span.
const maxIntervals = 1000

// UsageSeries returns use over time. Errors: *InvalidError, ErrNotFound.
func (a *Authority) UsageSeries(ctx context.Context, actor Actor, q UsageQuery) ([]UsageCount, error) {
	if err := actor.May(UsageRead); err != nil {
		return nil, err
	}
	switch {
	case q.All && (q.ClientID != "" || q.MerchantID != "") || !q.All && (q.ClientID == "") == (q.MerchantID == ""):
		return nil, invalid("clientId", "and merchantId: give one of them")
	case !q.From.Before(q.To) || q.To.Sub(q.From) > maxIntervals*q.Interval:
		return nil, invalid("from", "is not before to, or more than %d intervals before it", maxIntervals)
	}
	if q.All {
		if err := actor.mayOfAll(UsageRead); err != nil {
			return nil, err
		}
	} else if q.ClientID != "" {
		k, err := a.store.APIKey(ctx, q.ClientID)
		if err == nil {
			err = actor.Sees(k.MerchantID, k.Env)
		}
		if err != nil {
			return nil, fmt.Errorf("reading API key: %w", err)
		}
	} else if !q.within(&actor) {
		return nil, nil
	}
	list, err := a.store.UsageSeries(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("reading usage: %w", err)
	}
	return list, nil
}

// KeyTotal is how often an API key was used in a time.
type KeyTotal struct {
	ClientID        ClientID
	Name, Env       string
	Status          Status // "deleted" too
	Issued, Refused int64
}

// maxTopSpan is the longest time over which the API keys of a merchant are
// compared: their hours are added up for it.
const maxTopSpan = 31 * 24 * time.Hour

// TopKeys returns up to limit API keys of q's merchant, and environment, that
// were used in its time, 31 days at most: the most used first. q.Interval does
// not matter. Errors: *InvalidError.
func (a *Authority) TopKeys(ctx context.Context, actor Actor, q UsageQuery, limit int) ([]KeyTotal, error) {
	if err := actor.May(UsageRead); err != nil || !q.within(&actor) {
		return nil, err
	}
	switch {
	case q.MerchantID == "" || q.ClientID != "" || q.All:
		return nil, invalid("merchantId", "is what the API keys are compared in")
	case !q.From.Before(q.To) || q.To.Sub(q.From) > maxTopSpan:
		return nil, invalid("from", "is not before to, or more than 31 days before it")
	}
	list, err := a.store.TopKeys(ctx, q, limit)
	if err != nil {
		return nil, fmt.Errorf("reading usage: %w", err)
	}
	return list, nil
}
