package authority_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// C-227: every change has who, what, when, where; and C-190: never a secret.
func TestEveryChangeHasItsEvent(t *testing.T) {
	h := New(t)
	var secrets []string
	var want []authority.Event
	do := func(kind authority.EventKind, merchant authority.MerchantID, env string, change func(authority.Actor) (string, error)) {
		t.Helper()
		h.clock.advance(1001 * time.Millisecond)
		who := authority.Actor{Permissions: authority.Everything(), ID: fmt.Sprint("user:", len(want)), Address: "192.0.2.7", RequestID: fmt.Sprint("req-", len(want))}
		subject, err := change(who)
		h.must(err)
		want = append(want, authority.Event{
			Time: h.clock.now(), Actor: who, Kind: kind, Subject: subject, MerchantID: merchant, Env: env, RootKeyID: 1,
		})
	}
	do(authority.MerchantCreated, "7", "", func(a authority.Actor) (string, error) {
		return "7", errorOf(h.CreateMerchant(h.ctx, a, authority.NewMerchant{ID: "7", Name: "Seven"}))
	})
	do(authority.MerchantUpdated, "7", "", func(a authority.Actor) (string, error) {
		return "7", errorOf(h.UpdateMerchant(h.ctx, a, "7", authority.MerchantUpdate{KeyLimit: new(9)}))
	})
	do(authority.ScopeCreated, "", "", func(a authority.Actor) (string, error) {
		return "a:read", errorOf(h.CreateScope(h.ctx, a, authority.Scope{Name: "a:read", Resource: "https://a.example.com"}))
	})
	var id authority.ClientID
	do(authority.APIKeyCreated, "7", "demo", func(a authority.Actor) (string, error) {
		k, secret, err := h.CreateAPIKey(h.ctx, a, authority.NewAPIKey{
			MerchantID: "7", Env: "demo", Name: "n", Scopes: []string{"a:read"}, ExpiresAt: started.Add(time.Hour)})
		id, secrets = k.ID, append(secrets, secret.Reveal())
		return string(k.ID), err
	})
	for _, c := range []struct {
		kind   authority.EventKind
		change func(a authority.Actor) error
	}{
		{authority.APIKeyUpdated, func(a authority.Actor) error {
			return errorOf(h.UpdateAPIKey(h.ctx, a, id, authority.APIKeyUpdate{Description: new("d"), Scopes: &[]string{}}))
		}},
		{authority.APIKeyDisabled, func(a authority.Actor) error { return errorOf(h.DisableAPIKey(h.ctx, a, id, 0)) }},
		{authority.APIKeyEnabled, func(a authority.Actor) error { return errorOf(h.EnableAPIKey(h.ctx, a, id, 0)) }},
		{authority.APIKeyDeleted, func(a authority.Actor) error { return h.DeleteAPIKey(h.ctx, a, id, 0) }},
	} {
		do(c.kind, "7", "demo", func(a authority.Actor) (string, error) { return string(id), c.change(a) })
	}
	do(authority.ScopeDeleted, "", "", func(a authority.Actor) (string, error) {
		return "a:read", h.DeleteScope(h.ctx, a, "a:read")
	})
	do(authority.MerchantSuspended, "7", "", func(a authority.Actor) (string, error) {
		return "7", errorOf(h.SuspendMerchant(h.ctx, a, "7", 0))
	})
	do(authority.MerchantResumed, "7", "", func(a authority.Actor) (string, error) {
		return "7", errorOf(h.ResumeMerchant(h.ctx, a, "7", 0))
	})
	do(authority.MerchantDeleted, "7", "", func(a authority.Actor) (string, error) {
		return "7", h.DeleteMerchant(h.ctx, a, "7", 0)
	})
	do(authority.MasterKeyRotated, "", "", func(a authority.Actor) (string, error) {
		next, text := authority.NewMasterKey()
		secrets = append(secrets, text)
		return "1", h.RotateMasterKey(h.ctx, a, next)
	})

	events, err := h.Events(h.ctx, actor, authority.EventFilter{}, 0, 1000)
	h.must(err)
	if len(events) != len(want)+1 || events[0].Kind != authority.InstallationCreated || events[0].Actor != recorded(actor) || !events[0].Time.Equal(started) {
		t.Fatalf("%d events, want %d; the first is %+v", len(events), len(want)+1, events[0])
	}
	all := map[string]any{}
	for i, got := range events[1:] {
		want[i].Seq, want[i].Hash, want[i].Details = int64(i)+2, got.Hash, got.Details
		want[i].Actor = recorded(want[i].Actor)
		if fmt.Sprint(got) != fmt.Sprint(want[i]) {
			t.Errorf("event\ngot  %+v\nwant %+v", got, want[i])
		}
		var details map[string]any
		if err := json.Unmarshal([]byte(got.Details), &details); err != nil {
			t.Errorf("details %s: %v", got.Details, err)
		}
		for name, value := range details {
			all[string(got.Kind)+" "+name] = value
		}
		for _, secret := range secrets {
			if strings.Contains(fmt.Sprintf("%+v", got), secret) {
				t.Errorf("a secret is in event %d", got.Seq)
			}
		}
	}
	for what, value := range map[string]string{
		"merchant.created name": "Seven", "merchant.updated keyLimit": "9", "scope.created resource": "https://a.example.com",
		"api_key.created name": "n", "api_key.created scopes": "[a:read]", "api_key.created expiresAt": "2025-11-24T17:00:00.123Z",
		"api_key.updated description": "d", "api_key.updated scopes": "[]",
	} {
		if fmt.Sprint(all[what]) != value {
			t.Errorf("%s is %v, want %s", what, all[what], value)
		}
	}
}

// What changes nothing, or is refused, leaves no event.
func TestARefusedChangeHasNoEvent(t *testing.T) {
	h := New(t)
	k := h.ready()
	before, err := h.VerifyEvents(h.ctx, nil, nil)
	h.must(err)
	h.must(errorOf(h.EnableAPIKey(h.ctx, actor, k.ID, 0)))
	h.must(errorOf(h.ResumeMerchant(h.ctx, actor, "4259", 0)))
	h.must(errorOf(h.UpdateMerchant(h.ctx, actor, "4259", authority.MerchantUpdate{})))
	for what, c := range map[string]struct{ got, want error }{
		"merchant again":   {errorOf(h.CreateMerchant(h.ctx, actor, authority.NewMerchant{ID: "4259", Name: "n"})), authority.ErrExists},
		"scope again":      {errorOf(h.CreateScope(h.ctx, actor, authority.Scope{Name: "customers:read"})), authority.ErrExists},
		"scope held":       {h.DeleteScope(h.ctx, actor, "customers:read"), authority.ErrScopeInUse},
		"unknown scope":    {h.DeleteScope(h.ctx, actor, "x:read"), authority.ErrNotFound},
		"merchant in use":  {h.DeleteMerchant(h.ctx, actor, "4259", 0), authority.ErrMerchantInUse},
		"unknown merchant": {errorOf(h.SuspendMerchant(h.ctx, actor, "1", 0)), authority.ErrNotFound},
	} {
		wantError(t, what, c.got, c.want)
	}
	after, err := h.VerifyEvents(h.ctx, nil, nil)
	h.must(err)
	if after.Seq != before.Seq {
		t.Errorf("%d events were written", after.Seq-before.Seq)
	}
}

// chain makes n merchants' events and returns the head.
func (h *harness) chain(n int) authority.EventHead {
	h.t.Helper()
	for i := range n {
		h.merchant(authority.MerchantID(fmt.Sprint(100 + i)))
	}
	head, err := h.VerifyEvents(h.ctx, nil, nil)
	h.must(err)
	return head
}

// broken holds that verification names seq as the first broken place, at once
// and in pieces.
func (h *harness) broken(what string, noted []authority.EventHead, seq int64) {
	h.t.Helper()
	_, err := h.VerifyEvents(h.ctx, noted, nil)
	_, _, inPieces := h.inPieces(actor, noted, 2)
	for _, err := range []error{err, inPieces} {
		var chain *authority.ChainError
		if !errors.As(err, &chain) || chain.Seq != seq || !strings.Contains(err.Error(), fmt.Sprint(seq)) {
			h.t.Errorf("%s: %v, want event %d to be named", what, err, seq)
		}
	}
}

// C-229: a row changed by hand is named, whichever column it was.
func TestVerifyEventsNamesAChangedRow(t *testing.T) {
	h := New(t)
	head := h.chain(6)
	h.raw(`CREATE TABLE kept AS SELECT * FROM events`)
	var columns string
	h.scan(`SELECT group_concat(name) FROM pragma_table_info('events')`, &columns)
	changes := map[string]string{
		"time": `time + 1`, "root_key_id": `root_key_id + 1`, "hash": `zeroblob(32)`, "details": `'{}'`,
		// Text moved from one column to the next is another event as well.
		"actor": `actor || substr(address, 1, 1), address = substr(address, 2)`,
	}
	for _, column := range strings.Split(columns, ",") {
		change, ok := changes[column]
		if !ok {
			change = column + ` || 'x'`
		}
		if column == "seq" {
			continue // in the next test
		}
		for _, seq := range []int64{1, 4, head.Seq} {
			if column == "details" && seq == 1 {
				continue
			}
			h.raw(`UPDATE events SET `+column+` = `+change+` WHERE seq = ?`, seq)
			h.broken(column, nil, seq)
			h.raw(`DELETE FROM events; INSERT INTO events SELECT * FROM kept`)
		}
	}
	if len(strings.Split(columns, ",")) != 12 {
		t.Errorf("columns %s", columns)
	}
	var seen []int64
	got, err := h.VerifyEvents(h.ctx, []authority.EventHead{head}, func(seq int64) { seen = append(seen, seq) })
	h.must(err)
	if got.Seq != head.Seq || !slices.Equal(seen, []int64{1, 2, 3, 4, 5, 6, 7}) {
		t.Errorf("head %d, progress %v", got.Seq, seen)
	}
}

func TestVerifyEventsNoticesWhatIsMissing(t *testing.T) {
	h := New(t)
	head := h.chain(6)
	h.raw(`CREATE TABLE kept AS SELECT * FROM events; CREATE TABLE kept_head AS SELECT * FROM event_head`)
	const restore = `DELETE FROM events; INSERT INTO events SELECT * FROM kept; DELETE FROM event_head; INSERT INTO event_head SELECT * FROM kept_head`
	const cut = `DELETE FROM events WHERE seq > 5; UPDATE event_head SET seq = 5, hash = (SELECT hash FROM events WHERE seq = 5)`
	for _, c := range []struct {
		what   string
		change string
		noted  []authority.EventHead
		seq    int64
	}{
		{"the first", `DELETE FROM events WHERE seq = 1`, nil, 1},
		{"one in the middle", `DELETE FROM events WHERE seq = 4`, nil, 4},
		{"one in the middle, the rest moved up", `DELETE FROM events WHERE seq = 4; UPDATE events SET seq = seq - 1 WHERE seq > 4`, nil, 4},
		{"two exchanged", `UPDATE events SET seq = 99 WHERE seq = 4; UPDATE events SET seq = 4 WHERE seq = 5; UPDATE events SET seq = 5 WHERE seq = 99`, nil, 4},
		{"the last", `DELETE FROM events WHERE seq > 5`, nil, 6},
		{"all", `DELETE FROM events`, nil, 1},
		{"another head recorded", `UPDATE event_head SET hash = zeroblob(32)`, nil, head.Seq},
		{"the head set back", `UPDATE event_head SET seq = 3, hash = (SELECT hash FROM events WHERE seq = 3)`, nil, 3},
		{"the tail, with the head", cut, []authority.EventHead{head}, 6},
		{"a head never reached", `SELECT 1`, []authority.EventHead{{Seq: 99, Hash: head.Hash}}, head.Seq + 1},
		{"another head noted", `SELECT 1`, []authority.EventHead{{Seq: 3, Hash: head.Hash}}, 3},
	} {
		h.raw(c.change)
		h.broken(c.what, c.noted, c.seq)
		h.raw(restore)
	}
	// Without a head from outside, a tail cut off neatly is a valid chain.
	h.raw(cut)
	if got, err := h.VerifyEvents(h.ctx, nil, nil); err != nil || got.Seq != 5 {
		t.Errorf("after the cut: %d, %v", got.Seq, err)
	}
	h.raw(restore)
	if _, err := h.VerifyEvents(h.ctx, []authority.EventHead{head}, nil); err != nil {
		t.Error(err)
	}
}

// A chain that was made anew under another key is no chain.
func TestVerifyEventsNeedsTheChainKey(t *testing.T) {
	h := New(t)
	h.chain(3)
	events, err := h.Events(h.ctx, actor, authority.EventFilter{}, 0, 100)
	h.must(err)
	var previous []byte
	for _, e := range events {
		e.Subject += "x"
		linked := (&authority.Draft{Event: e}).Link(e.Seq, previous)
		h.raw(`UPDATE events SET subject = ?, hash = ? WHERE seq = ?`, linked.Subject, linked.Hash, linked.Seq)
		previous = linked.Hash
	}
	h.raw(`UPDATE event_head SET hash = ?`, previous)
	h.broken("forged", nil, 1)
}

// A thousand and more events are walked in several reads.
func TestVerifyEventsWalksLongChains(t *testing.T) {
	h := New(t)
	h.merchant("4259")
	command, err := authority.Open(h.ctx, h.config) // without a directory, which is quicker
	h.must(err)
	for i := range 1008 {
		name := fmt.Sprint("Name ", i)
		h.must(errorOf(command.UpdateMerchant(h.ctx, actor, "4259", authority.MerchantUpdate{Name: &name})))
	}
	if head, err := h.VerifyEvents(h.ctx, nil, nil); err != nil || head.Seq != 1010 {
		t.Errorf("head %d, %v", head.Seq, err)
	}
	h.raw(`UPDATE events SET details = '{"name":"x"}' WHERE seq = 1005`)
	h.broken("behind the first thousand", nil, 1005)
}

// recorded is what an event says of an actor: who it is, not what it may do.
func recorded(a authority.Actor) authority.Actor {
	a.Permissions = nil
	return a
}
