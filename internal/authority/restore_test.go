package authority_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/store"
)

// backup copies the database into a file.
func (h *harness) backup() string {
	h.t.Helper()
	path := filepath.Join(h.t.TempDir(), "backup.db")
	_, err := h.store.Backup(h.ctx, path, nil)
	h.must(err)
	return path
}

// export is every event behind one, as a file has them.
func (h *harness) export(after int64) []byte {
	h.t.Helper()
	var out bytes.Buffer
	for _, e := range h.events() {
		if e.Seq > after {
			h.must(json.NewEncoder(&out).Encode(wire(&e)))
		}
	}
	return out.Bytes()
}

func exported(text []byte) iter.Seq2[*authority.Event, error] {
	return authority.ReadEvents(bytes.NewReader(text))
}

// restore makes an installation of a copy of a backup.
func (h *harness) restore(backup string, r authority.Restoration) (*harness, *authority.Restored, error) {
	h.t.Helper()
	text, err := os.ReadFile(backup)
	h.must(err)
	restored := &harness{t: h.t, ctx: h.ctx, clock: h.clock, path: filepath.Join(h.t.TempDir(), "restored.db"), config: h.config}
	h.must(os.WriteFile(restored.path, text, 0o600))
	restored.store, err = store.OpenSQLite(h.ctx, restored.path, store.Options{Scratch: true})
	h.must(err)
	h.t.Cleanup(func() { _ = restored.store.Close() })
	restored.config.Store = restored.store
	opened := restored.config
	opened.Environments = nil // as a command opens it
	if restored.Authority, err = authority.Open(h.ctx, opened); err != nil {
		h.t.Fatal(err)
	}
	out, err := restored.Restore(h.ctx, actor, r)
	if err != nil {
		return nil, nil, err
	}
	restored.Authority = restored.node(restored.config)
	return restored, out, nil
}

// state is what of an installation a replay brings back, as text by ID.
func (h *harness) state() map[string]string {
	h.t.Helper()
	out := map[string]string{}
	write := func(id string, v any) {
		text, err := json.Marshal(v)
		h.must(err)
		out[id] = string(text)
	}
	merchants, err := h.Merchants(h.ctx, actor, authority.MerchantFilter{}, "", 100)
	h.must(err)
	for _, m := range merchants {
		m.Version = 0 // of another number of changes
		write("merchant "+string(m.ID), m)
	}
	scopes, err := h.Scopes(h.ctx, actor)
	h.must(err)
	for _, s := range scopes {
		write("scope "+s.Name, s)
	}
	keys, err := h.APIKeys(h.ctx, actor, authority.APIKeyFilter{}, "", 100)
	h.must(err)
	for _, k := range keys {
		whole, err := h.APIKey(h.ctx, actor, k.ID)
		h.must(err)
		for i := range whole.Secrets {
			whole.Secrets[i].LastUsedAt, whole.Secrets[i].LastUsedFrom = time.Time{}, ""
		}
		whole.Generation, whole.Version = 0, 0
		write(string(k.ID), whole)
	}
	return out
}

// C-540: what an export tells of is done again, and the history goes on with the
// events that it had.
func TestReplayDoesAgainWhatHappened(t *testing.T) {
	h := New(t)
	kept := h.ready()
	changed, disabled, enabled, deleted, leaked, spied, rotated := h.demoKey(), h.demoKey(), h.demoKey(), h.demoKey(), h.demoKey(), h.demoKey(), h.demoKey()
	two := h.rotate(h.demoKey(), authority.Rotation{Overlap: day})
	_, err := h.DisableAPIKey(h.ctx, actor, enabled.ID, 0)
	h.must(err)
	h.merchant("77", "78", "79", "80")
	_, err = h.SuspendMerchant(h.ctx, actor, "79", 0)
	h.must(err)
	h.scope("old:read")
	backup := h.backup()
	from := int64(len(h.events()))

	h.clock.advance(time.Hour)
	h.must(h.DeleteAPIKey(h.ctx, actor, deleted.ID, 0))
	name, cidrs, end := "Renamed", []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, h.clock.now().Add(90*day)
	_, err = h.UpdateAPIKey(h.ctx, actor, changed.ID, authority.APIKeyUpdate{
		Name: &name, Description: &name, Scopes: &[]string{"customers:read"}, AllowedCIDRs: &cidrs, ExpiresAt: &end, RevokeTokens: true,
	})
	h.must(err)
	_, err = h.UpdateAPIKey(h.ctx, actor, changed.ID, authority.APIKeyUpdate{ExpiresAt: &time.Time{}})
	h.must(err)
	_, err = h.DisableAPIKey(h.ctx, actor, disabled.ID, 0)
	h.must(err)
	_, err = h.EnableAPIKey(h.ctx, actor, enabled.ID, 0)
	h.must(err)
	h.must(h.LoadDirectory(h.ctx))
	h.must(h.ReportLeakedSecret(h.ctx, actor, leaked.secret.Reveal(), "https://example.com"))
	_, claims := h.issue(h.Authority, spied.request())
	h.must(h.ReportLeakedToken(h.ctx, actor, claims, ""))
	h.rotate(rotated, authority.Rotation{Overlap: time.Minute})
	_, err = h.DeleteSecret(h.ctx, actor, two.ID, 1, true, 0)
	h.must(err)
	h.merchant("81")
	limit := 9
	_, err = h.UpdateMerchant(h.ctx, actor, "77", authority.MerchantUpdate{Name: &name, KeyLimit: &limit})
	h.must(err)
	_, err = h.SuspendMerchant(h.ctx, actor, "78", 0)
	h.must(err)
	_, err = h.ResumeMerchant(h.ctx, actor, "79", 0)
	h.must(err)
	h.must(h.DeleteMerchant(h.ctx, actor, "80", 0))
	h.scope("new:write https://other.example.com")
	h.must(h.DeleteScope(h.ctx, actor, "old:read"))
	born := h.key(authority.NewAPIKey{MerchantID: "81", Env: "production", Name: "Born", Description: "since", Scopes: []string{"new:write"}, AllowedCIDRs: cidrs, ExpiresAt: end})
	gone := h.key(authority.NewAPIKey{MerchantID: "81", Env: "production"})
	h.must(h.DeleteAPIKey(h.ctx, actor, gone.ID, 0))
	h.clock.advance(time.Hour)
	rotation, err := h.RotateSigningKey(h.ctx, actor, "demo") // is done again by time alone
	h.must(err)
	again, err := h.RotateSigningKey(h.ctx, actor, "demo")
	h.must(err)
	if !rotation.Rotated || again.Rotated {
		t.Error("the signing key was not rotated once, and wanted once")
	}
	active := h.demoKeys()[0].KeyID
	_, err = h.RevokeSigningKey(h.ctx, actor, active, true)
	h.must(err)

	restored, out, err := h.restore(backup, authority.Restoration{Events: exported(h.export(from - 3))})
	h.must(err)
	want, got := h.state(), restored.state()
	for id, text := range want {
		switch id {
		case string(born.ID), string(rotated.ID): // their new secrets are in no event
			var wanted, have authority.APIKey
			h.must(errors.Join(json.Unmarshal([]byte(text), &wanted), json.Unmarshal([]byte(got[id]), &have)))
			wanted.Secrets = slices.DeleteFunc(wanted.Secrets, func(s authority.Secret) bool { return s.RetiredAt.IsZero() })
			if len(wanted.Secrets) != len(have.Secrets) || len(have.Secrets) == 1 && !have.Secrets[0].ExpiresAt.Equal(wanted.Secrets[0].ExpiresAt) {
				t.Errorf("%s has secrets %+v, want %+v", id, have.Secrets, wanted.Secrets)
			}
			wanted.Secrets, have.Secrets = nil, nil
			if a, b := marshal(t, wanted), marshal(t, have); a != b {
				t.Errorf("%s is\n%s, want\n%s", id, b, a)
			}
		default:
			if got[id] != text {
				t.Errorf("%s is\n%s, want\n%s", id, got[id], text)
			}
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d things are there, want %d", len(got), len(want))
	}
	events, now := h.events(), restored.events()
	if len(now) <= len(events) || !slices.EqualFunc(now[:len(events)], events, func(a, b authority.Event) bool { return bytes.Equal(a.Hash, b.Hash) }) {
		t.Error("the history does not go on with the events that it had")
	}
	if _, err := restored.VerifyEvents(h.ctx, nil, nil); err != nil {
		t.Error(err)
	}
	unfinished := []authority.Unfinished{
		{Kind: authority.SecretRotated, Subject: string(rotated.ID), MerchantID: rotated.MerchantID, Name: rotated.Name},
		{Kind: authority.APIKeyCreated, Subject: string(born.ID), MerchantID: "81", Name: "Born"},
	}
	if !slices.Equal(out.Unfinished, unfinished) || out.Replayed != len(events)-int(from) || out.Known.Seq != events[len(events)-1].Seq {
		t.Errorf("it says %+v, want %+v", out, unfinished)
	}
	if restored.listed(active) != 1 || restored.demoKeys()[0].Status != authority.SigningKeyRevoked {
		t.Error("a signing key that was revoked is not")
	}
	restored.refused(restored.Authority, deleted.request(), authority.UnknownID)
	restored.issue(restored.Authority, kept.request())
	next := restored.rotate(&key{APIKey: born.APIKey}, authority.Rotation{}) // what the list says is to be done
	restored.issue(restored.Authority, &authority.TokenRequest{ClientID: string(next.ID), ClientSecret: next.secret.Reveal(), Address: netip.MustParseAddr("192.0.2.7"), Resource: "https://other.example.com"})

	kinds := map[authority.EventKind]bool{}
	for _, e := range events {
		kinds[e.Kind] = true
	}
	for _, kind := range authority.EventKinds() {
		thing, _, _ := strings.Cut(string(kind), ".")
		switch kind {
		case authority.APIKeyExpiring, authority.SecretExpiring, // are replayed below
			authority.LimitReached, authority.RetiredSecretUsed, authority.APIKeyTokensRevoked, // change nothing but a generation
			authority.SigningKeyUpdate, authority.SigningKeyRemoval: // are for time
			continue
		}
		if (thing == "signing_key" || thing == "merchant" || thing == "scope" || thing == "api_key" || thing == "secret" || thing == "token") && !kinds[kind] {
			t.Errorf("%s is not among the events that are replayed here", kind)
		}
	}
}

// C-301, C-540: what was announced is not announced again after a replay, nor where a
// restore of before has let it be announced twice.
func TestReplayAnnouncesNothingAgain(t *testing.T) {
	h := New(t)
	h.ready()
	k := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo", ExpiresAt: started.Add(7 * day)})
	h.rotate(k, authority.Rotation{ExpiresAt: started.Add(6 * day), Overlap: day})
	backup := h.backup()
	h.must(h.LoadDirectory(h.ctx))
	h.must(h.NotifyExpiries(h.ctx))
	h.raw(`DELETE FROM expiry_notices`)
	h.must(h.NotifyExpiries(h.ctx))
	restored, _, err := h.restore(backup, authority.Restoration{Events: exported(h.export(0))})
	h.must(err)
	told := func() (n int) {
		for _, e := range restored.events() {
			if e.Kind == authority.APIKeyExpiring || e.Kind == authority.SecretExpiring {
				n++
			}
		}
		return n
	}
	before := told()
	restored.must(restored.LoadDirectory(h.ctx))
	restored.must(restored.NotifyExpiries(h.ctx))
	var notices int
	restored.scan(`SELECT count(*) FROM expiry_notices`, &notices)
	if after := told(); before == 0 || after != before || notices*2 != before {
		t.Errorf("%d events of what ends were done again, and there are %d, and %d notices", before, after, notices)
	}
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// demoKey is one more API key of demo, of a merchant of its own.
func (h *harness) demoKey() *key {
	h.t.Helper()
	merchants, err := h.Merchants(h.ctx, actor, authority.MerchantFilter{}, "", 100)
	h.must(err)
	id := authority.MerchantID("1" + strings.Repeat("0", len(merchants)))
	h.merchant(id)
	return h.key(authority.NewAPIKey{MerchantID: id, Env: "demo", Scopes: []string{"customers:read", "customers:write"}})
}

// C-541: whatever is known, no token that was issued before a restore is alive after
// it, here or where the feed is read; new ones are.
func TestARestoreEndsEveryToken(t *testing.T) {
	for name, knows := range map[string]bool{"Replayed": true, "ChangesLost": false} {
		t.Run(name, func(t *testing.T) {
			h := New(t)
			k, ended := h.ready(), h.demoKey()
			before, claims := h.issue(h.Authority, k.request())
			backup := h.backup()
			from := int64(len(h.events()))
			h.clock.advance(time.Second)
			last, lost := h.issue(h.Authority, ended.request())
			h.revoke(h.Authority, k, before)
			h.must(h.DeleteAPIKey(h.ctx, actor, ended.ID, 0))
			// A clock that is ahead gives out generations that lie ahead.
			h.clock.advance(50 * time.Second)
			_, ahead := h.issue(h.Authority, h.demoKey().request())
			known := h.feed(h.Authority, "demo", authority.WholeFeed)
			h.clock.advance(-50 * time.Second)

			r := authority.Restoration{ChangesLost: !knows}
			if knows {
				r.Events = exported(h.export(from))
			}
			restored, out, err := h.restore(backup, r)
			h.must(err)
			for _, token := range []authority.Token{before, last} {
				if dead, err := restored.Revoked("demo", h.verify(h.Authority, token), "kid"); err != nil || !dead {
					t.Errorf("a token of before is alive: %v", err)
				}
			}
			f := restored.feed(restored.Authority, "demo", known.Seq)
			if f.Partial || f.Lineage <= known.Lineage || f.Seq <= known.Seq || f.Lineage != out.Lineage.Number {
				t.Errorf("who knows %+v is told %+v", known, f)
			}
			for _, c := range []int64{claims.Generation, lost.Generation, ahead.Generation} {
				if c >= f.MinGeneration {
					t.Errorf("a token of generation %d lives where %d is the lowest", c, f.MinGeneration)
				}
			}
			if _, now := restored.issue(restored.Authority, k.request()); listed(f, now) || now.Generation < f.MinGeneration {
				t.Errorf("a new token has generation %d, where %d is the lowest", now.Generation, f.MinGeneration)
			}
			if _, now := restored.issue(restored.Authority, restored.demoKey().request()); now.Generation < f.MinGeneration {
				t.Errorf("a token of a new API key has generation %d, where %d is the lowest", now.Generation, f.MinGeneration)
			}
			restored.must(restored.AwaitRevocations(restored.ctx, "demo", known.Seq)) // and not the 30 s that a request may wait
		})
	}
}

// C-542: where it is not known whether a signing key was revoked, none that was
// there signs again.
func TestARestoreThatKnowsNothingReplacesSigningKeys(t *testing.T) {
	h := New(t)
	k := h.ready()
	h.clock.advance(time.Hour)
	_, err := h.RotateSigningKey(h.ctx, actor, "demo")
	h.must(err)
	h.wantStatuses("retired active announced")
	old := h.demoKeys()
	restored, _, err := h.restore(h.backup(), authority.Restoration{ChangesLost: true})
	h.must(err)
	statuses := strings.Fields(restored.statuses())
	slices.Sort(statuses)
	if got := strings.Join(statuses, " "); got != "active announced revoked revoked revoked" {
		t.Errorf("the signing keys are %s", got)
	}
	f := restored.feed(restored.Authority, "demo", authority.WholeFeed)
	for _, was := range old {
		if !slices.Contains(f.SigningKeys, was.KeyID) {
			t.Errorf("the feed does not list %s: %v", was.KeyID, f.SigningKeys)
		}
	}
	fresh := restored.demoKeys()
	restored.signs(k, fresh[slices.IndexFunc(fresh, func(k authority.SigningKey) bool { return k.Status == authority.SigningKeyActive })].KeyID)

	known, _, err := h.restore(h.backup(), authority.Restoration{Events: exported(h.export(1))})
	h.must(err)
	known.wantStatuses("retired active announced")
}

// C-543: only what followed is replayed: each event is held against the chain.
func TestReplayRefusesWhatDidNotFollow(t *testing.T) {
	h := New(t)
	k := h.ready()
	backup := h.backup()
	from := int64(len(h.events()))
	_, err := h.DisableAPIKey(h.ctx, actor, k.ID, 0)
	h.must(err)
	h.scope("new:read")
	whole := h.export(0)
	lines := bytes.SplitAfter(whole, []byte("\n"))
	head, err := h.store.EventHead(h.ctx)
	h.must(err)
	other := New(t)
	other.ready()
	for what, c := range map[string]struct {
		export []byte
		noted  []authority.EventHead
		seq    int64
	}{
		"a gap":                 {h.export(from + 1), nil, from + 1},
		"an end too early":      {bytes.Join(lines[:from-1], nil), nil, from},
		"another installation":  {other.export(0), nil, from},
		"a changed event":       {bytes.Replace(whole, []byte("new:read"), []byte("new:rdad"), 1), nil, from + 2},
		"two in another order":  {bytes.Join([][]byte{lines[from+1], lines[from]}, nil), nil, from + 1},
		"less than the head":    {bytes.Join(lines[:from+1], nil), []authority.EventHead{head}, from + 2},
		"another head than log": {whole, []authority.EventHead{{Seq: head.Seq, Hash: make([]byte, 32)}}, head.Seq},
	} {
		_, _, err := h.restore(backup, authority.Restoration{Events: exported(c.export), Noted: c.noted})
		var broken *authority.ChainError
		if !errors.As(err, &broken) || broken.Seq != c.seq {
			t.Errorf("%s: %v, want event %d named", what, err, c.seq)
		}
	}
	restored, _, err := h.restore(backup, authority.Restoration{Events: exported(whole), Noted: []authority.EventHead{head}})
	h.must(err)
	restored.refused(restored.Authority, k.request(), authority.KeyDisabled)
}

// cutOff is a store on which a restore is interrupted.
type cutOff struct {
	authority.Store
	ring, lineage bool // whether that is where
}

var errCut = errors.New("cut off")

func (c *cutOff) ChangeSigningKeys(ctx context.Context, env string, seen, changed []authority.SigningKey, d *authority.Draft) error {
	if c.ring && env == authority.Platform {
		return errCut
	}
	return c.Store.ChangeSigningKeys(ctx, env, seen, changed, d)
}

func (c *cutOff) BeginLineage(ctx context.Context, l *authority.Lineage, d *authority.Draft) error {
	if c.lineage {
		return errCut
	}
	return c.Store.BeginLineage(ctx, l, d)
}

// C-540: a restore that was interrupted on its database, wherever, goes on where it was,
// and its list of what people have to do is whole.
func TestAnInterruptedReplayGoesOn(t *testing.T) {
	h := New(t)
	gone, rotated, ended := h.ready(), h.demoKey(), h.demoKey()
	_, err := h.DeleteSecret(h.ctx, actor, h.rotate(ended, authority.Rotation{Overlap: day}).ID, 2, true, 0)
	h.must(err)
	h.otherEvent(authority.UserCreated, "usr_before") // which a restore of then has told
	h.otherEvent(authority.InstallationRestored, "tw")
	backup := h.backup()
	from := int64(len(h.events()))
	h.rotate(rotated, authority.Rotation{Overlap: day})
	lost := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo"})
	for _, id := range []string{"usr_lost", "usr_deleted"} {
		h.otherEvent(authority.UserCreated, id)
	}
	h.otherEvent(authority.UserDeleted, "usr_deleted")
	h.must(h.DeleteAPIKey(h.ctx, actor, gone.ID, 0))
	h.must(h.DeleteAPIKey(h.ctx, actor, h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo"}).ID, 0))
	h.scope("new:read")
	whole := h.export(0)
	lines := bytes.SplitAfter(whole, []byte("\n"))
	count := int64(len(h.events()))
	want := []authority.Unfinished{
		{Kind: authority.SecretRotated, Subject: string(rotated.ID), MerchantID: rotated.MerchantID, Name: rotated.Name},
		{Kind: authority.APIKeyCreated, Subject: string(lost.ID), MerchantID: "4259", Name: lost.Name},
		{Kind: authority.UserCreated, Subject: "usr_lost"},
	}
	type cut struct {
		cutOff
		after int64 // events; 0 for all
		lost  bool
	}
	cuts := map[string]cut{
		"at the lineage": {cutOff: cutOff{lineage: true}}, "at its end": {},
		"at the signing keys": {cutOff{ring: true}, 0, true}, "behind the signing keys": {cutOff{lineage: true}, 0, true}, "at its end, with changes lost": {lost: true},
	}
	for seq := from; seq <= count; seq++ {
		cuts[fmt.Sprintf("behind event %d", seq)] = cut{after: seq}
	}
	users := func(context.Context, *authority.Draft) error { return authority.ErrNotFound }
	for name, c := range cuts {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "restored.db")
			text, err := os.ReadFile(backup)
			h.must(err)
			h.must(os.WriteFile(path, text, 0o600))
			s, err := store.OpenSQLite(h.ctx, path, store.Options{Scratch: true})
			h.must(err)
			defer func() { h.must(s.Close()) }()
			run := func(s authority.Store, export iter.Seq2[*authority.Event, error], inPlace bool) (*authority.Restored, error) {
				cfg := h.config
				cfg.Store, cfg.Environments = s, nil
				a, err := authority.Open(h.ctx, cfg)
				h.must(err)
				return a.Restore(h.ctx, actor, authority.Restoration{Events: export, ChangesLost: c.lost, InPlace: inPlace, Users: users})
			}
			c.Store = s
			_, err = run(&c.cutOff, func(yield func(*authority.Event, error) bool) {
				for e, err := range exported(whole) {
					if c.after != 0 && e.Seq > c.after {
						yield(nil, errCut)
						return
					}
					if !yield(e, err) {
						return
					}
				}
				if c.after != 0 {
					yield(nil, errCut)
				}
			}, true)
			if c.after != 0 || c.ring || c.lineage {
				wantError(t, "the first time", err, errCut)
			} else {
				h.must(err)
			}
			head, err := s.EventHead(h.ctx)
			h.must(err)
			var broken *authority.ChainError
			if head.Seq > count {
				for what, export := range map[string][]byte{"less": bytes.Join(lines[:from], nil), "that of another installation": New(t).export(0)} {
					if _, err := run(s, exported(export), true); !errors.As(err, &broken) {
						t.Errorf("%s was taken: %v", what, err)
					}
				}
				if _, err := run(s, exported(whole), false); !errors.As(err, &broken) {
					t.Errorf("what lacks the last events was taken, where no restore was interrupted: %v", err)
				}
			}
			out, err := run(s, exported(whole), true)
			h.must(err)
			if replayed := max(0, count-head.Seq); int64(out.Replayed) != replayed || out.Known.Seq != count || !slices.Equal(out.Unfinished, want) {
				t.Errorf("it says %+v, want %d done again and %+v", out, replayed, want)
			}
			cfg := h.config
			cfg.Store = s
			a, err := authority.Open(h.ctx, cfg)
			h.must(err)
			if _, err := a.VerifyEvents(h.ctx, nil, nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// otherEvent writes an event of something that this package knows no more of.
func (h *harness) otherEvent(kind authority.EventKind, subject string) {
	h.t.Helper()
	d, err := h.NewDraft(actor, kind, subject, "", map[string]any{}, nil)
	h.must(err)
	h.must(h.store.AddEvent(h.ctx, d))
}

// copied is a store that is another one than was worked on.
type copied struct{ authority.Store }

func (c copied) Installation(ctx context.Context) (*authority.Installation, *authority.SealedRootKey, error) {
	inst, root, err := c.Store.Installation(ctx)
	if err == nil {
		inst.Copied = true
	}
	return inst, root, err
}

// C-543: on a database that was restored, and worked on since, an export that ends at
// the restore lacks what came later.
func TestAFinishedRestoreTakesNoOldExport(t *testing.T) {
	h := New(t)
	h.ready()
	export := h.export(0)
	_, err := h.Restore(h.ctx, actor, authority.Restoration{Events: exported(export)})
	h.must(err)
	h.must(h.store.KeepNode(h.ctx, &authority.Node{ID: "n", StartedAt: started, SeenAt: started, CurrentAt: started}, started))
	again := func(noted ...authority.EventHead) error {
		_, err := h.Restore(h.ctx, actor, authority.Restoration{Events: exported(export), InPlace: true, Noted: noted})
		return err
	}
	var broken *authority.ChainError
	if err := again(); !errors.As(err, &broken) {
		t.Errorf("where a node has worked: %v", err)
	}
	h.must(h.store.RemoveNode(h.ctx, "n"))
	if err := again(authority.EventHead{Seq: int64(len(h.events())), Hash: make([]byte, 32)}); !errors.As(err, &broken) {
		t.Errorf("where the head of a log is later: %v", err)
	}
	cfg := h.config
	cfg.Store, cfg.Environments, cfg.Restoring = copied{h.store}, nil, true
	a, err := authority.Open(h.ctx, cfg)
	h.must(err)
	if _, err := a.Restore(h.ctx, actor, authority.Restoration{Events: exported(export), InPlace: true}); !errors.As(err, &broken) {
		t.Errorf("where it is a copy of what was restored: %v", err)
	}
	h.must(again())
	h.scope("later:read")
	if err := again(); !errors.As(err, &broken) {
		t.Errorf("where something has happened: %v", err)
	}
}

// C-544: a node that is at work while the database below it is restored follows.
func TestARunningNodeFollowsARestore(t *testing.T) {
	h := New(t)
	k := h.ready()
	node := h.second()
	h.follow(node)
	unaware := h.second()
	token, claims := h.issue(node, k.request())
	out, err := h.Restore(h.ctx, actor, authority.Restoration{ChangesLost: true})
	h.must(err)
	made := func(a *authority.Authority) {
		t.Helper()
		k, _, err := a.CreateAPIKey(h.ctx, actor, authority.NewAPIKey{MerchantID: "4259", Env: "demo", Name: "n"})
		h.must(err)
		if k.Generation < out.Lineage.MinGeneration {
			t.Errorf("an API key begins with generation %d, where %d is the lowest", k.Generation, out.Lineage.MinGeneration)
		}
	}
	made(unaware) // before it has heard of it
	eventually(t, "the node tells of the new lineage", func() bool {
		signed, err := node.Feed("demo", authority.WholeFeed)
		return err == nil && signed != nil && h.feed(node, "demo", authority.WholeFeed).Lineage == out.Lineage.Number
	})
	if dead, err := node.Revoked(token.Env, claims, "kid"); err != nil || !dead {
		t.Errorf("a token of before is alive there: %v", err)
	}
	_, now := h.issue(node, k.request())
	if now.Generation < out.Lineage.MinGeneration {
		t.Errorf("a token of generation %d, where %d is the lowest", now.Generation, out.Lineage.MinGeneration)
	}
	made(node)
}
