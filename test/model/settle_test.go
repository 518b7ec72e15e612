package model

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// history is what the events have said so far: they have one order, so what
// they say at each place was so at one moment.
type eventHistory struct {
	seq     int64
	active  map[authority.MerchantID]map[string]bool // API keys
	signing map[string]string                        // key ID of the active signing key by environment
	total   int
}

func newEventHistory(t *testing.T, in *installation) *eventHistory {
	t.Helper()
	h := &eventHistory{active: map[authority.MerchantID]map[string]bool{}, signing: map[string]string{}}
	list, err := in.nodes[0].SigningKeys(t.Context(), somebody)
	must(t, err)
	for i := range list {
		if list[i].Status == authority.SigningKeyActive {
			h.signing[list[i].Env] = list[i].KeyID
		}
	}
	head, err := in.stores[0].EventHead(t.Context())
	must(t, err)
	h.seq = head.Seq
	return h
}

// read takes in what is new, and returns how many events each request has, by
// kind. After each event no merchant may have more active API keys than it may,
// and each environment one active signing key.
func (h *eventHistory) read(t *testing.T, s authority.Store) map[string]map[authority.EventKind]int {
	t.Helper()
	events, err := s.Events(t.Context(), h.seq, 1_000_000)
	must(t, err)
	byRequest := map[string]map[authority.EventKind]int{}
	for i := range events {
		e := &events[i]
		if e.Seq != h.seq+1 {
			t.Errorf("event %d follows event %d", e.Seq, h.seq)
		}
		h.seq = e.Seq
		h.total++
		if byRequest[e.Actor.RequestID] == nil {
			byRequest[e.Actor.RequestID] = map[authority.EventKind]int{}
		}
		byRequest[e.Actor.RequestID][e.Kind]++
		h.take(t, e)
	}
	return byRequest
}

func (h *eventHistory) take(t *testing.T, e *authority.Event) {
	t.Helper()
	switch e.Kind {
	case authority.APIKeyCreated, authority.APIKeyEnabled:
		if h.active[e.MerchantID] == nil {
			h.active[e.MerchantID] = map[string]bool{}
		}
		h.active[e.MerchantID][e.Subject] = true
	case authority.APIKeyDisabled, authority.APIKeyDeleted:
		delete(h.active[e.MerchantID], e.Subject)
	case authority.SigningKeyActivation:
		h.replace(t, e, "retired", e.Subject)
	case authority.SigningKeyRevocation:
		if next := detail(t, e, "activated"); next != "" {
			h.replace(t, e, "", next)
		} else if h.signing[e.Env] == e.Subject {
			t.Errorf("event %d leaves %s without an active signing key", e.Seq, e.Env)
		}
	}
	if n := len(h.active[e.MerchantID]); n > limit {
		t.Errorf("after event %d merchant %s has %d active API keys", e.Seq, e.MerchantID, n)
	}
}

// replace notes that next signs from now on; what it replaces must have been
// the one until now.
func (h *eventHistory) replace(t *testing.T, e *authority.Event, by, next string) {
	t.Helper()
	old := e.Subject // of a revocation
	if by != "" {
		old = detail(t, e, by)
	}
	if h.signing[e.Env] != old {
		t.Errorf("event %d ends signing key %s, while %s is active", e.Seq, old, h.signing[e.Env])
	}
	h.signing[e.Env] = next
}

func detail(t *testing.T, e *authority.Event, name string) string {
	t.Helper()
	var set map[string]any
	must(t, json.Unmarshal([]byte(e.Details), &set))
	text, _ := set[name].(string)
	return text
}

// kinds is the event that an action leaves where it was done: always once, or
// only where it has changed something.
var kinds = map[action]struct {
	kind   authority.EventKind
	always bool
}{
	create:           {authority.APIKeyCreated, true},
	enable:           {authority.APIKeyEnabled, false},
	disable:          {authority.APIKeyDisabled, false},
	remove:           {authority.APIKeyDeleted, true},
	rotateSecret:     {authority.SecretRotated, true},
	rotateSigningKey: {authority.SigningKeyActivation, false},
	revokeSigningKey: {authority.SigningKeyRevocation, false},
	revokeToken:      {authority.APIKeyTokensRevoked, false}, // where there are many
}

// holdEvents holds that what was done has its event, once, and what was refused
// none, and notes it for the model.
func (r *round) holdEvents(byRequest map[string]map[authority.EventKind]int) {
	r.t.Helper()
	for _, o := range r.ops {
		n := byRequest[o.request][kinds[o.action].kind]
		o.changed = n > 0
		least, most := 0, 1
		switch {
		case o.result == done && kinds[o.action].always:
			least = 1
		case o.result != done && o.result != unknown || kinds[o.action].kind == "":
			most = 0
		}
		if n < least || n > most {
			r.t.Errorf("%s: %d events", o, n)
		}
	}
}

// holdOrder holds the answers against the models.
func (r *round) holdOrder() {
	r.t.Helper()
	for _, m := range r.merchants {
		if !m.own {
			holdLinear(r.t, "merchant "+string(m.id), keyModel, r.about(func(o *operation) bool {
				return o.merchant == m.id && o.action != use
			}))
			continue
		}
		for _, k := range m.made {
			holdLinear(r.t, "use of an API key of merchant "+string(m.id), useModel, r.about(func(o *operation) bool {
				return o.merchant == m.id && o.key == k.name && (o.action == use || slices.Contains([]result{done, unknown}, o.result)) &&
					o.action != create
			}))
		}
	}
}

// about returns such operations, in the order in which they were begun.
func (r *round) about(such func(*operation) bool) (list []*operation) {
	for _, o := range r.ops {
		if such(o) {
			list = append(list, o)
		}
	}
	slices.SortFunc(list, func(a, b *operation) int { return a.call.Compare(b.call) })
	return list
}

// holdAgreement holds that both nodes do, in the end, what the database says.
func (r *round) holdAgreement() {
	r.t.Helper()
	for _, m := range r.merchants {
		stored, err := r.nodes[0].APIKeys(r.t.Context(), somebody, authority.APIKeyFilter{MerchantID: m.id}, "", 1000)
		must(r.t, err)
		active := map[authority.ClientID]bool{}
		for i := range stored {
			active[stored[i].ID] = stored[i].Status == authority.Active
		}
		for _, k := range m.made {
			for _, a := range r.nodes {
				eventually(r.t, "both nodes agree about an API key", func() bool { return k.works(a) == active[k.id] })
			}
		}
	}
	for _, d := range r.dead {
		for _, a := range r.nodes {
			eventually(r.t, "a revoked token is dead at both nodes", func() bool {
				is, err := a.Revoked(demo, d.claims, d.kid)
				return err == nil && is
			})
		}
	}
}

// watch looks all the while at what must be so at every moment, until it is
// told to end; then it tells how often it has looked.
func (r *round) watch(node int) (end func() int) {
	ctx, cancel := context.WithCancel(r.t.Context())
	looks := make(chan int)
	go func() {
		n := 0
		for ctx.Err() == nil {
			if r.look(ctx, node) {
				n++
			}
			select {
			case <-ctx.Done():
			case <-time.After(5 * time.Millisecond): // others want the database too
			}
		}
		looks <- n
	}()
	return func() int {
		cancel()
		return <-looks
	}
}

func (r *round) look(ctx context.Context, node int) bool {
	for _, m := range r.merchants {
		list, err := r.nodes[node].APIKeys(ctx, somebody, authority.APIKeyFilter{MerchantID: m.id}, "", 1000)
		if err != nil {
			return false
		}
		active := 0
		for i := range list {
			if list[i].Status == authority.Active {
				active++
			}
		}
		if active > limit {
			r.t.Errorf("merchant %s has %d active API keys", m.id, active)
		}
	}
	list, err := r.nodes[node].SigningKeys(ctx, somebody)
	if err != nil {
		return false
	}
	active := []string{}
	for i := range list {
		if list[i].Status == authority.SigningKeyActive {
			active = append(active, list[i].Env)
		}
	}
	slices.Sort(active)
	if got := strings.Join(active, " "); got != demo+" "+authority.Platform {
		r.t.Errorf("active signing keys are of %s", got)
	}
	return true
}
