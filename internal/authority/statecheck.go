package authority

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Difference is a fact of which the database says something else than the events,
// which somebody, or a failing disk, has changed without one.
type Difference struct {
	Thing    string // "API key <client ID>", "merchant <ID>", "scope <name>"
	Fact     string // what of it
	Stored   string
	Recorded string // by its events
}

// String is d as one line.
func (d *Difference) String() string {
	return fmt.Sprintf("%s: %s %s, its events say %s", d.Thing, d.Fact, d.Stored, d.Recorded)
}

// VerifyState is VerifyEvents, and holds what the database has of API keys, of the
// suspension of their merchants and of scopes against what the events say. It returns
// the differences, those of API keys in the order of their IDs. Others may go on
// changing things: all is compared as of one moment.
func (a *Authority) VerifyState(ctx context.Context, noted []EventHead, progress func(seq int64)) (EventHead, []Difference, error) {
	c := newStateCheck()
	w := chainWalk{Authority: a, chainCheck: newChainCheck(a.ChainKey(), EventHead{}, noted), progress: progress, also: c.pass}
	for done := false; !done; {
		var err error
		if done, err = w.step(ctx, chainBatch); err != nil {
			return w.head, nil, err
		}
	}
	err := a.store.Directory(ctx, func(s *DirectorySnapshot) error {
		for w.head.Seq < s.Head.Seq { // what came meanwhile
			if _, err := w.step(ctx, int(min(chainBatch, s.Head.Seq-w.head.Seq))); err != nil {
				return err
			}
		}
		c.holdScopes(s.Scopes)
		return nil
	}, c.holdKey)
	if err != nil {
		return w.head, nil, fmt.Errorf("comparing the database with its events: %w", err)
	}
	c.holdMissing()
	return w.head, c.differences, nil
}

// recordedSlack is how far times of an event may be from those that were stored with
// it: a moment lies between the two, and a clock that is set.
const recordedSlack = time.Minute

const (
	noKey      Status = "never created"
	deletedKey Status = "deleted"
	missingKey Status = "missing"
)

// stateCheck makes of all events what they leave behind, and holds the database
// against it.
type stateCheck struct {
	keys      map[ClientID]*recordedKey
	merchants map[MerchantID]*recordedMerchant // those that were ever suspended
	scopes    map[string]string                // resources, by name
	restored  int64                            // no generation is lower: each was raised by a restore

	differences []Difference
}

// recordedKey is what the events say of an API key.
type recordedKey struct {
	merchant     MerchantID
	env          string
	scopes       string // as canonical makes them
	allowedCIDRs string // the same
	status       Status
	expiresAt    time.Time // zero for never
	generation   int64     // at least
	lastSecret   int64
	secrets      []recordedSecret
	// lossy says that the installation was restored since: of secrets that were made
	// in what was done again there is none, and it is not known which.
	lossy bool
	held  bool // it is in the database
}

// recordedSecret is what the events say of a secret.
type recordedSecret struct {
	id    int64
	ends  time.Time // at the latest; zero for never
	exact bool      // ends is its end. Of the first one no event tells that
}

type recordedMerchant struct {
	suspended  bool
	generation int64 // of its API keys, at least
	held       bool
}

func newStateCheck() *stateCheck {
	return &stateCheck{keys: map[ClientID]*recordedKey{}, merchants: map[MerchantID]*recordedMerchant{}, scopes: map[string]string{}}
}

// pass takes the next event.
func (c *stateCheck) pass(e *Event) error {
	switch thing, _, _ := strings.Cut(string(e.Kind), "."); thing {
	case "merchant":
		c.passMerchant(e)
		return nil
	case "installation":
		if e.Kind == InstallationRestored {
			c.restored = max(c.restored, afterwards(e.Time))
			for _, k := range c.keys {
				k.lossy = true
			}
		}
		return nil
	case "scope", "api_key", "secret", "token":
	default:
		return nil
	}
	var set recorded
	if err := json.Unmarshal([]byte(e.Details), &set); err != nil {
		return fmt.Errorf("reading the details of event %d: %w", e.Seq, err)
	}
	switch e.Kind {
	case ScopeCreated:
		c.scopes[e.Subject] = set.Resource
	case ScopeDeleted:
		delete(c.scopes, e.Subject)
	case APIKeyCreated:
		k := &recordedKey{
			merchant: e.MerchantID, env: e.Env, status: Active, expiresAt: set.ExpiresAt.at, generation: afterwards(e.Time),
			lastSecret: 1, secrets: []recordedSecret{{id: 1}},
		}
		k.setFields(&set)
		c.keys[ClientID(e.Subject)] = k
	default:
		if k := c.keys[ClientID(e.Subject)]; k != nil { // else a restore knew that it was, and no more
			return k.pass(e, &set)
		}
	}
	return nil
}

// passMerchant does not keep the many that are never suspended.
func (c *stateCheck) passMerchant(e *Event) {
	id := MerchantID(e.Subject)
	m := c.merchants[id]
	if m == nil && e.Kind == MerchantSuspended {
		m = &recordedMerchant{}
		c.merchants[id] = m
	}
	switch {
	case e.Kind == MerchantSuspended:
		m.suspended, m.generation = true, max(m.generation, afterwards(e.Time))
	case e.Kind == MerchantResumed && m != nil:
		m.suspended = false
	}
}

// afterwards is a generation that every one is above which was made at a time.
func afterwards(at time.Time) int64 { return at.Add(-recordedSlack).Unix() }

func (k *recordedKey) setFields(set *recorded) {
	if set.Scopes != nil {
		k.scopes = canonical(slices.Clone(*set.Scopes))
	}
	if set.AllowedCIDRs != nil {
		list := make([]string, len(*set.AllowedCIDRs))
		for i, p := range *set.AllowedCIDRs {
			list[i] = p.String()
		}
		k.allowedCIDRs = canonical(list)
	}
}

// canonical is the text of a set, in whatever order list has it.
func canonical(list []string) string {
	slices.Sort(list)
	return strings.Join(slices.Compact(list), " ")
}

// pass does what APIKey.redo does, as far as events tell.
func (k *recordedKey) pass(e *Event, set *recorded) error {
	switch e.Kind {
	case APIKeyUpdated:
		k.setFields(set)
		if set.ExpiresAt.set {
			k.expiresAt = set.ExpiresAt.at
		}
	case APIKeyDisabled:
		k.status = Disabled
	case APIKeyEnabled:
		k.status = Active
	case APIKeyDeleted:
		*k = recordedKey{status: deletedKey} // of which no more is needed, and there may be many
	case SecretRotated:
		overlap, err := time.ParseDuration(set.Overlap)
		if err != nil {
			return fmt.Errorf("reading the overlap of event %d: %w", e.Seq, err)
		}
		k.rotate(e.Time, overlap, set)
	case SecretDeleted:
		k.secrets = slices.DeleteFunc(k.secrets, func(s recordedSecret) bool { return s.id == set.SecretID })
	case SecretLeaked:
		if s := k.secret(set.SecretID); s != nil {
			s.ends, s.exact = set.ExpiresAt.at.Truncate(time.Millisecond), true
		}
	}
	if set.TokensRevoked || e.Kind == APIKeyDisabled || e.Kind == APIKeyTokensRevoked {
		k.generation = max(k.generation+1, afterwards(e.Time))
	}
	return nil
}

// rotate retires those that worked, makes room as newSecret does, and adds the new one.
func (k *recordedKey) rotate(at time.Time, overlap time.Duration, set *recorded) {
	worked := func(s recordedSecret) bool { return slices.Contains(set.Retired, s.id) }
	for i := range k.secrets {
		if s := &k.secrets[i]; worked(*s) {
			s.ends, s.exact = earlier(s.ends, at.Add(overlap)), false
		}
	}
	for len(k.secrets) >= maxSecrets {
		ended := slices.IndexFunc(k.secrets, func(s recordedSecret) bool { return overlap == 0 || !worked(s) })
		if ended < 0 && k.lossy {
			break // a restore may have left fewer than the events tell of
		}
		ended = max(0, ended) // too old for its environment, of which no event tells
		k.secrets = slices.Delete(k.secrets, ended, ended+1)
	}
	k.lastSecret = set.SecretID
	k.secrets = append(k.secrets, recordedSecret{id: set.SecretID, ends: set.ExpiresAt.at.Truncate(time.Millisecond), exact: true})
}

func (k *recordedKey) secret(id int64) *recordedSecret {
	if i := slices.IndexFunc(k.secrets, func(s recordedSecret) bool { return s.id == id }); i >= 0 {
		return &k.secrets[i]
	}
	return nil
}

// differ keeps a difference where there is one.
func (c *stateCheck) differ(thing, fact, stored, recorded string) {
	if stored != recorded {
		c.differences = append(c.differences, Difference{thing, fact, cmp.Or(stored, "none"), cmp.Or(recorded, "none")})
	}
}

func (c *stateCheck) holdScopes(stored []Scope) {
	missing := maps.Clone(c.scopes)
	for i := range stored {
		s := &stored[i]
		thing := "scope " + s.Name
		if resource, known := c.scopes[s.Name]; known {
			c.differ(thing, "resource", s.Resource, resource)
		} else {
			c.differ(thing, "status", string(Active), string(noKey))
		}
		delete(missing, s.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		c.differ("scope "+name, "status", string(missingKey), string(Active))
	}
}

func (c *stateCheck) holdKey(stored *DirectoryKey) error {
	thing := "API key " + string(stored.ClientID)
	status := Active
	if stored.Disabled {
		status = Disabled
	}
	k := c.keys[stored.ClientID]
	if k == nil {
		k = &recordedKey{status: noKey}
		c.keys[stored.ClientID] = k
	}
	k.held = true
	c.differ(thing, "status", string(status), string(k.status))
	if k.status != Active && k.status != Disabled {
		return nil
	}
	c.differ(thing, "merchant", string(stored.MerchantID), string(k.merchant))
	c.differ(thing, "environment", stored.Env, k.env)
	c.differ(thing, "scopes", canonical(strings.Fields(stored.Scopes)), k.scopes)
	c.differ(thing, "allowed networks", canonical(strings.Fields(stored.AllowedCIDRs)), k.allowedCIDRs)
	c.differ(thing, "expiry", never(stored.ExpiresAt), never(k.expiresAt))
	least := max(k.generation, c.restored)
	m := c.merchants[k.merchant]
	if m != nil {
		least = max(least, m.generation)
	}
	if stored.Generation < least {
		c.differ(thing, "generation", fmt.Sprint(stored.Generation), fmt.Sprintf("at least %d", least))
	}
	c.holdSecrets(thing, k, stored.Secrets)
	// Of the API key that is another merchant's now, nothing is said of that one.
	if stored.MerchantID == k.merchant {
		c.holdMerchant(k.merchant, m, stored.MerchantSuspended)
	}
	return nil
}

// holdMerchant says once what each of its API keys would say.
func (c *stateCheck) holdMerchant(id MerchantID, m *recordedMerchant, suspended bool) {
	if m == nil && !suspended {
		return
	}
	if m == nil {
		m = &recordedMerchant{}
		c.merchants[id] = m
	}
	if !m.held {
		m.held = true
		text := map[bool]string{true: string(Suspended), false: string(Active)}
		c.differ("merchant "+string(id), "status", text[suspended], text[m.suspended])
	}
}

func (c *stateCheck) holdSecrets(thing string, k *recordedKey, stored []DirectorySecret) {
	have, want := make([]string, len(stored)), make([]string, len(k.secrets))
	strange := !k.lossy && len(stored) != len(k.secrets)
	for i := range stored {
		s := &stored[i]
		have[i] = fmt.Sprint(s.ID)
		r := k.secret(s.ID)
		switch {
		case r == nil:
			strange = strange || !k.lossy || s.ID < 1 || s.ID > k.lastSecret
		case r.exact && !s.ExpiresAt.Equal(r.ends) || !r.exact && outlives(s.ExpiresAt, r.ends):
			c.differ(thing, "end of secret "+have[i], never(s.ExpiresAt), never(r.ends))
		}
	}
	for i := range k.secrets {
		want[i] = fmt.Sprint(k.secrets[i].id)
	}
	if strange {
		c.differ(thing, "secrets", strings.Join(have, ", "), strings.Join(want, ", "))
	}
}

// outlives tells whether what ends at end lasts longer than until most, clearly; zero
// is for ever.
func outlives(end, most time.Time) bool {
	return !most.IsZero() && (end.IsZero() || end.After(most.Add(recordedSlack)))
}

// holdMissing names the API keys that were not there.
func (c *stateCheck) holdMissing() {
	var missing []ClientID
	for id, k := range c.keys {
		if !k.held && k.status != deletedKey {
			missing = append(missing, id)
		}
	}
	slices.Sort(missing)
	for _, id := range missing {
		c.differ("API key "+string(id), "status", string(missingKey), string(c.keys[id].status))
	}
}

// never is a time as people read it.
func never(at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return at.UTC().Format(time.RFC3339Nano)
}
