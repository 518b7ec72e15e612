package authority_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// DESIGN 4.6: what kills tokens raises the generation to max(gen+1, Unix time);
// nothing else touches it.
func TestGenerationRisesWithWhatKillsTokens(t *testing.T) {
	h := New(t)
	k := h.ready()
	want := started.Unix()
	update := func(u authority.APIKeyUpdate) func() error {
		return func() error {
			_, err := h.UpdateAPIKey(h.ctx, actor, k.ID, u)
			return err
		}
	}
	on := func(call func(context.Context, authority.Actor, authority.ClientID, int64) (*authority.APIKey, error)) func() error {
		return func() error {
			_, err := call(h.ctx, actor, k.ID, 0)
			return err
		}
	}
	merchant := func(call func(context.Context, authority.Actor, authority.MerchantID, int64) (*authority.Merchant, error)) func() error {
		return func() error {
			_, err := call(h.ctx, actor, "4259", 0)
			return err
		}
	}
	name, text, scopes := "Renamed", "Text", []string{"customers:read"}
	hours := func(n int) *time.Time {
		at := started.Add(time.Duration(n) * time.Hour)
		return &at
	}
	for _, c := range []struct {
		what   string
		change func() error
		raises bool
	}{
		{"disable", on(h.DisableAPIKey), true},
		{"disable again", on(h.DisableAPIKey), false},
		{"enable", on(h.EnableAPIKey), false},
		{"enable again", on(h.EnableAPIKey), false},
		{"disable within the second", on(h.DisableAPIKey), true},
		{"enable", on(h.EnableAPIKey), false},
		{"rename", update(authority.APIKeyUpdate{Name: &name, Description: &text}), false},
		{"take a scope", update(authority.APIKeyUpdate{Scopes: &scopes}), false},
		{"change nothing", update(authority.APIKeyUpdate{}), false},
		{"expiry where there was none", update(authority.APIKeyUpdate{ExpiresAt: hours(10)}), true},
		{"expiry put off", update(authority.APIKeyUpdate{ExpiresAt: hours(11)}), false},
		{"expiry as it is", update(authority.APIKeyUpdate{ExpiresAt: hours(11)}), false},
		{"expiry brought forward", update(authority.APIKeyUpdate{ExpiresAt: hours(9)}), true},
		{"expiry taken away", update(authority.APIKeyUpdate{ExpiresAt: new(time.Time)}), false},
		{"suspend", merchant(h.SuspendMerchant), true},
		{"suspend again", merchant(h.SuspendMerchant), false},
		{"resume", merchant(h.ResumeMerchant), false},
		{"suspend within the second", merchant(h.SuspendMerchant), true},
		{"resume", merchant(h.ResumeMerchant), false},
	} {
		if !strings.Contains(c.what, "within the second") {
			h.clock.advance(time.Second)
		}
		h.must(c.change())
		if c.raises {
			want = max(want+1, h.clock.now().Unix())
		}
		if got := h.generation(k); got != want {
			t.Fatalf("%s: generation %d, want %d", c.what, got, want)
		}
		if c.what == "suspend" || c.what == "disable" {
			continue
		}
		if token, err := h.IssueToken(k.request()); err == nil && h.verify(h.Authority, token).Generation != want {
			t.Errorf("%s: gen of the next token is not %d", c.what, want)
		}
	}
	h.issue(h.Authority, k.request()) // after all that it works
}

// What somebody read before a suspension cannot bring old tokens back to life.
func TestGenerationNeverFalls(t *testing.T) {
	h := New(t)
	k := h.ready()
	var wait sync.WaitGroup
	for i := range 20 {
		wait.Go(func() {
			name := fmt.Sprint("Name ", i)
			if _, err := h.UpdateAPIKey(h.ctx, actor, k.ID, authority.APIKeyUpdate{Name: &name}); err != nil && !errors.Is(err, authority.ErrConflict) {
				t.Error(err)
			}
		})
		wait.Go(func() {
			change := h.SuspendMerchant
			if i%2 == 1 {
				change = h.ResumeMerchant
			}
			if _, err := change(h.ctx, actor, "4259", 0); err != nil && !errors.Is(err, authority.ErrConflict) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	suspensions := int64(0)
	events, err := h.Events(h.ctx, actor, authority.EventFilter{}, 0, 1000)
	h.must(err)
	for _, e := range events {
		if e.Kind == authority.MerchantSuspended {
			suspensions++
		}
	}
	if got := h.generation(k); got != started.Unix()+suspensions {
		t.Errorf("generation %d after %d suspensions within the second, want %d", got, suspensions, started.Unix()+suspensions)
	}
}

func TestNewAPIKeyIsChecked(t *testing.T) {
	h := New(t)
	h.ready()
	good := authority.NewAPIKey{MerchantID: "4259", Env: "demo", Name: "n", Scopes: []string{"customers:read"}}
	far := time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -3600)) // year 10000 in UTC
	for what, c := range map[string]struct {
		change func(*authority.NewAPIKey)
		field  string
	}{
		"no merchant":              {func(n *authority.NewAPIKey) { n.MerchantID = "" }, "merchantId"},
		"operator of a merchant":   {func(n *authority.NewAPIKey) { n.Env = authority.Platform }, "merchantId"},
		"unknown environment":      {func(n *authority.NewAPIKey) { n.Env = "staging" }, "env"},
		"no environment":           {func(n *authority.NewAPIKey) { n.Env = "" }, "env"},
		"no name":                  {func(n *authority.NewAPIKey) { n.Name = "" }, "name"},
		"blank name":               {func(n *authority.NewAPIKey) { n.Name = " \u00a0" }, "name"},
		"long name":                {func(n *authority.NewAPIKey) { n.Name = strings.Repeat("ä", 101) }, "name"},
		"long description":         {func(n *authority.NewAPIKey) { n.Description = strings.Repeat("ä", 1001) }, "description"},
		"expired":                  {func(n *authority.NewAPIKey) { n.ExpiresAt = started }, "expiresAt"},
		"expiry JSON cannot write": {func(n *authority.NewAPIKey) { n.ExpiresAt = far }, "expiresAt"},
		"unknown scope":            {func(n *authority.NewAPIKey) { n.Scopes = []string{"customers:delete"} }, "scopes"},
		"two scopes in one":        {func(n *authority.NewAPIKey) { n.Scopes = []string{"customers:read customers:write"} }, "scopes"},
		"empty scope":              {func(n *authority.NewAPIKey) { n.Scopes = []string{""} }, "scope"},
		"scope with a line end":    {func(n *authority.NewAPIKey) { n.Scopes = []string{"customers:read\n"} }, "scope"},
		"operator's scope":         {func(n *authority.NewAPIKey) { n.Scopes = []string{"merchants:read"} }, "scopes"},
		"operator with catalogue": {func(n *authority.NewAPIKey) {
			n.MerchantID, n.Env = "", authority.Platform
		}, "scopes"},
	} {
		n := good
		c.change(&n)
		k, secret, err := h.CreateAPIKey(h.ctx, actor, n)
		wantInvalid(t, what, err, c.field)
		if k != nil || secret.Reveal() != "" {
			t.Errorf("%s: an API key is returned", what)
		}
	}
	_, _, err := h.CreateAPIKey(h.ctx, actor, authority.NewAPIKey{MerchantID: "1", Env: "demo", Name: "n"})
	wantError(t, "unknown merchant", err, authority.ErrNotFound)
	good.Name, good.Description = strings.Repeat("ä", 100), strings.Repeat("ä", 1000)
	good.Scopes = []string{"customers:write", "api-keys:read", "customers:read", "customers:read"}
	k := h.key(good)
	if got := strings.Join(k.Scopes, " "); got != "api-keys:read customers:read customers:write" {
		t.Errorf("scopes %s", got)
	}
	for what, u := range map[string]authority.APIKeyUpdate{
		"in the past":         {ExpiresAt: &started},
		"JSON cannot write":   {ExpiresAt: &far},
		"beyond what is kept": {ExpiresAt: new(time.Unix(math.MaxInt64/2, 0))},
	} {
		_, err := h.UpdateAPIKey(h.ctx, actor, k.ID, u)
		wantInvalid(t, what, err, "expiresAt")
	}
}

// C-191: the limits as operators meet them.
func TestActiveAPIKeysAreLimited(t *testing.T) {
	h := New(t)
	first := h.ready()
	n := authority.NewAPIKey{MerchantID: "4259", Env: "demo", Name: "n"}
	h.key(n)
	h.key(n)
	_, secret, err := h.CreateAPIKey(h.ctx, actor, n)
	wantError(t, "a fourth", err, authority.ErrActiveKeyLimit)
	if secret.Reveal() != "" {
		t.Error("a refused create returns a secret")
	}
	_, err = h.DisableAPIKey(h.ctx, actor, first.ID, 0)
	h.must(err)
	h.key(n)
	_, err = h.EnableAPIKey(h.ctx, actor, first.ID, 0)
	wantError(t, "enabling a fourth", err, authority.ErrActiveKeyLimit)
	_, err = h.UpdateMerchant(h.ctx, actor, "4259", authority.MerchantUpdate{KeyLimit: new(4)})
	h.must(err)
	_, err = h.EnableAPIKey(h.ctx, actor, first.ID, 0)
	h.must(err)
	list, err := h.APIKeys(h.ctx, actor, authority.APIKeyFilter{MerchantID: "4259"}, "", 3)
	h.must(err)
	if len(list) != 3 || list[0].Secrets != nil || list[0].ID >= list[1].ID {
		t.Errorf("a page of three API keys: %+v", list)
	}
	for range 50 {
		h.key(authority.NewAPIKey{Env: authority.Platform, Scopes: []string{"events:read"}})
	}
	_, _, err = h.CreateAPIKey(h.ctx, actor, authority.NewAPIKey{Env: authority.Platform, Name: "n"})
	wantError(t, "operator key 51", err, authority.ErrActiveKeyLimit)
}

// C-196: of two who changed the same version, one hears of it.
func TestUpdateAPIKeyComparesTheVersion(t *testing.T) {
	h := New(t)
	k := h.ready()
	name := "One"
	changed, err := h.UpdateAPIKey(h.ctx, actor, k.ID, authority.APIKeyUpdate{Name: &name, IfVersion: k.Version})
	h.must(err)
	if changed.Version != 2 || changed.Name != "One" {
		t.Errorf("changed to %+v", changed)
	}
	_, err = h.UpdateAPIKey(h.ctx, actor, k.ID, authority.APIKeyUpdate{Name: &name, IfVersion: k.Version})
	wantError(t, "the second", err, authority.ErrVersion)
	var wait sync.WaitGroup
	for i := range 4 { // without a version, all come through
		wait.Go(func() {
			name := fmt.Sprint("Name ", i)
			_, err := h.UpdateAPIKey(h.ctx, actor, k.ID, authority.APIKeyUpdate{Name: &name})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	k2, err := h.APIKey(h.ctx, actor, k.ID)
	h.must(err)
	if k2.Version != 6 {
		t.Errorf("version %d after five changes", k2.Version)
	}
	for what, err := range map[string]error{
		"update": errorOf(h.UpdateAPIKey(h.ctx, actor, "twc_demo_x", authority.APIKeyUpdate{Name: &name})), "disable": errorOf(h.DisableAPIKey(h.ctx, actor, "twc_demo_x", 0)),
		"delete": h.DeleteAPIKey(h.ctx, actor, "twc_demo_x", 0), "read": errorOf(h.APIKey(h.ctx, actor, "twc_demo_x")),
	} {
		wantError(t, what+" of an unknown one", err, authority.ErrNotFound)
	}
}

func errorOf[T any](_ T, err error) error { return err }

// overtaken is a store in which somebody else is a moment faster, once.
type overtaken struct {
	authority.Store
	first func()
}

func (o *overtaken) UpdateAPIKey(ctx context.Context, k *authority.APIKey, l authority.KeyLimits, d *authority.Draft) error {
	if first := o.first; first != nil {
		o.first = nil
		first()
	}
	return o.Store.UpdateAPIKey(ctx, k, l, d)
}

// C-227: the event tells what became of a change, not of a try that somebody else
// has overtaken.
func TestTheEventOfAnOvertakenChangeIsThatOfTheLastTry(t *testing.T) {
	h := New(t)
	k := h.ready()
	late, soon := started.Add(10*time.Hour), started.Add(5*time.Hour)
	cfg := h.config
	cfg.Store = &overtaken{h.store, func() { // then ours brings no end forward any more
		h.must(errorOf(h.UpdateAPIKey(h.ctx, actor, k.ID, authority.APIKeyUpdate{ExpiresAt: &soon})))
	}}
	slow := h.node(cfg)
	h.must(errorOf(slow.UpdateAPIKey(h.ctx, actor, k.ID, authority.APIKeyUpdate{ExpiresAt: &late})))
	events, err := h.Events(h.ctx, actor, authority.EventFilter{Subject: string(k.ID), Kind: authority.APIKeyUpdated}, 0, 10)
	h.must(err)
	if len(events) != 2 || !strings.Contains(events[0].Details, "tokensRevoked") || strings.Contains(events[1].Details, "tokensRevoked") {
		t.Errorf("events: %+v", events)
	}
}
