package store

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

func testAPIKeys(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "acme")
	addMerchant(t, s, "Other")
	addScope(t, s, "a:read", "b:read")
	_, err := s.APIKey(t.Context(), apiKey(1, "demo", "acme").ID)
	wantError(t, err, authority.ErrNotFound)

	keys := []*authority.APIKey{
		apiKey(1, "demo", "acme", "a:read", "b:read"), apiKey(2, "demo", "acme"), apiKey(3, "demo", "Other"),
		apiKey(4, "platform", "", "merchants:read"), apiKey(5, "production", "acme", "api-keys:read"),
	}
	keys[1].ExpiresAt = time.Time{}
	// The order is that of bytes: upper case comes first.
	keys[2].ID = "twc_demo_00000000000000000000aB"
	keys[1].ID = "twc_demo_00000000000000000000ab"
	for _, i := range []int{4, 1, 3, 0, 2} {
		addKeyWithin(t, s, keys[i], 50)
	}
	for _, k := range keys {
		wantEqual(t, "API key", get(t)(s.APIKey(t.Context(), k.ID)), k)
	}
	order := []authority.ClientID{keys[0].ID, keys[2].ID, keys[1].ID, keys[3].ID, keys[4].ID}
	for _, test := range []struct {
		filter authority.APIKeyFilter
		want   []authority.ClientID
	}{
		{authority.APIKeyFilter{}, order},
		{authority.APIKeyFilter{MerchantID: "acme"}, []authority.ClientID{order[0], order[2], order[4]}},
		{authority.APIKeyFilter{Env: "demo"}, order[:3]},
		{authority.APIKeyFilter{Env: "demo", MerchantID: "acme"}, []authority.ClientID{order[0], order[2]}},
		{authority.APIKeyFilter{Env: "platform"}, order[3:4]},
		{authority.APIKeyFilter{MerchantID: "ACME"}, []authority.ClientID{}},
	} {
		for _, limit := range []int{1, 2, 100} {
			got, after := []authority.ClientID{}, authority.ClientID("")
			for {
				page, err := s.APIKeys(t.Context(), test.filter, after, limit)
				must(t, err)
				if len(page) == 0 {
					break
				}
				got = append(got, ids(page)...)
				after = got[len(got)-1]
			}
			wantEqual(t, "API keys", got, test.want)
		}
	}
	listed, err := s.APIKeys(t.Context(), authority.APIKeyFilter{}, "", 1)
	must(t, err)
	keys[0].Secrets = nil
	wantEqual(t, "API key of a list", listed[0], *keys[0])
}

func addKeyWithin(t *testing.T, s authority.Store, k *authority.APIKey, active int) {
	t.Helper()
	l := authority.KeyLimits{Active: active, Undeleted: 10}
	must(t, s.CreateAPIKey(t.Context(), k, l, draft(authority.APIKeyCreated, string(k.ID))))
}

func testCreateAPIKey(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "acme")
	addScope(t, s, "a:read")
	create := func(k *authority.APIKey, l authority.KeyLimits) func() error {
		return func() error {
			return s.CreateAPIKey(t.Context(), k, l, draft(authority.APIKeyCreated, string(k.ID)))
		}
	}
	given := authority.KeyLimits{Active: 5, Undeleted: 10}
	refused(t, s, authority.ErrNotFound, create(apiKey(1, "demo", "nobody"), limits))
	refused(t, s, authority.ErrNotFound, create(apiKey(1, "demo", "nobody"), given))
	addMerchant(t, s, "gone")
	deleteMerchant(t, s, "gone")
	refused(t, s, authority.ErrNotFound, create(apiKey(1, "demo", "gone"), given))

	for _, missing := range []string{"b:read", "A:read", "a:rea", "a:read b:read"} {
		before := read(t, s)
		err := create(apiKey(1, "demo", "acme", "a:read", missing), limits)()
		var invalid *authority.InvalidError
		if !errors.As(err, &invalid) || invalid.Field != "scopes" || !strings.Contains(invalid.Reason, missing) {
			t.Errorf("scope %q: %v", missing, err)
		}
		wantState(t, s, before)
	}
	k := addKey(t, s, apiKey(1, "demo", "acme", "a:read"))
	again := apiKey(1, "demo", "acme")
	before := read(t, s)
	if create(again, limits)() == nil {
		t.Error("an ID is given twice")
	}
	wantState(t, s, before)
	deleteKey(t, s, k.ID)
	before = read(t, s)
	if create(again, limits)() == nil {
		t.Error("the ID of a deleted API key returns")
	}
	wantState(t, s, before)
}

func testKeyLimits(t *testing.T, s authority.Store) {
	initialize(t, s)
	m := addMerchant(t, s, "acme")
	addMerchant(t, s, "other")
	create := func(k *authority.APIKey, l authority.KeyLimits) func() error {
		return func() error {
			return s.CreateAPIKey(t.Context(), k, l, draft(authority.APIKeyCreated, string(k.ID)))
		}
	}
	setLimit := func(n int) {
		t.Helper()
		m.KeyLimit, m.Version = n, m.Version+1
		must(t, s.UpdateMerchant(t.Context(), m, 0, draft(authority.MerchantUpdated, "acme")))
	}
	two := authority.KeyLimits{Undeleted: 2}
	addKey(t, s, apiKey(1, "demo", "acme"))
	addKey(t, s, apiKey(2, "demo", "acme"))
	expired := apiKey(3, "demo", "acme")
	expired.ExpiresAt = at.Add(-time.Hour)
	addKey(t, s, expired)
	// Expired ones count; other environments and merchants do not.
	refused(t, s, authority.ErrActiveKeyLimit, create(apiKey(4, "demo", "acme"), limits))
	addKey(t, s, apiKey(5, "production", "acme"))
	addKey(t, s, apiKey(6, "demo", "other"))
	refused(t, s, authority.ErrActiveKeyLimit, create(apiKey(4, "demo", "acme"), authority.KeyLimits{Active: 3, Undeleted: 10}))
	setLimit(4)
	addKey(t, s, apiKey(4, "demo", "acme"))
	setLimit(0)
	refused(t, s, authority.ErrActiveKeyLimit, create(apiKey(7, "demo", "acme"), limits))
	setLimit(3)

	// Six undeleted ones are twice the limit, active or not.
	for n := 1; n <= 4; n++ {
		disable(t, s, apiKey(n, "demo", "acme").ID)
	}
	for n := 10; n < 12; n++ {
		must(t, create(apiKey(n, "demo", "acme"), two)())
	}
	refused(t, s, authority.ErrKeyLimit, create(apiKey(12, "demo", "acme"), two))
	deleteKey(t, s, apiKey(1, "demo", "acme").ID)
	must(t, create(apiKey(12, "demo", "acme"), two)())

	// Operator keys have no merchant, and a limit of their own.
	one := authority.KeyLimits{Active: 1, Undeleted: 2}
	must(t, create(apiKey(20, "platform", ""), one)())
	refused(t, s, authority.ErrActiveKeyLimit, create(apiKey(21, "platform", ""), one))
	disable(t, s, apiKey(20, "platform", "").ID)
	must(t, create(apiKey(21, "platform", ""), one)())
	disable(t, s, apiKey(21, "platform", "").ID)
	refused(t, s, authority.ErrKeyLimit, create(apiKey(22, "platform", ""), one))
}

func disable(t *testing.T, s authority.Store, id authority.ClientID) {
	t.Helper()
	k := get(t)(s.APIKey(t.Context(), id))
	k.Status, k.Version = authority.Disabled, k.Version+1
	must(t, s.UpdateAPIKey(t.Context(), k, limits, draft(authority.APIKeyDisabled, string(id))))
}

func testUpdateAPIKey(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "acme")
	addScope(t, s, "a:read", "b:read")
	k := addKey(t, s, apiKey(1, "demo", "acme", "a:read"))
	k.Name, k.Description, k.Scopes, k.Status, k.Generation = "n", "", []string{"b:read"}, authority.Disabled, 7
	k.ExpiresAt, k.UpdatedAt, k.Version = time.Time{}, at.Add(time.Second), 2
	k.AllowedCIDRs = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	k.Secrets[1].Name, k.Secrets[1].ExpiresAt, k.Secrets[1].RetiredAt, k.Secrets[1].LeakedAt = "older", at.Add(time.Hour), at, at.Add(time.Minute)
	added := k.Secrets[1]
	added.ID, added.Hint, k.LastSecretID = 3, "ijkl", 3
	k.Secrets = append(k.Secrets[1:], added) // the first one goes
	changed := *k
	changed.CreatedBy, changed.CreatedAt = "x", at.Add(time.Hour) // not to be written
	changed.Secrets = slices.Clone(k.Secrets)
	changed.Secrets[0].Hint, changed.Secrets[0].Hash = "x", []byte("x") // nor that
	must(t, s.UpdateAPIKey(t.Context(), &changed, limits, draft(authority.APIKeyUpdated, string(k.ID))))
	wantEqual(t, "API key", get(t)(s.APIKey(t.Context(), k.ID)), k)

	for _, version := range []int64{1, 2, 4} {
		late := *k
		late.Version, late.Name = version, "late"
		refused(t, s, authority.ErrConflict, func() error {
			return s.UpdateAPIKey(t.Context(), &late, limits, draft(authority.APIKeyUpdated, string(k.ID)))
		})
		refused(t, s, authority.ErrConflict, func() error {
			return s.DeleteAPIKey(t.Context(), &late, draft(authority.APIKeyDeleted, string(k.ID)))
		})
	}
	before := read(t, s)
	k.Scopes, k.Version = []string{"c:read"}, 3
	err := s.UpdateAPIKey(t.Context(), k, limits, draft(authority.APIKeyUpdated, string(k.ID)))
	var invalid *authority.InvalidError
	if !errors.As(err, &invalid) || invalid.Field != "scopes" {
		t.Errorf("a scope that is not in the catalogue: %v", err)
	}
	wantState(t, s, before)
}

func testEnable(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "acme")
	for n := 1; n <= 3; n++ {
		addKey(t, s, apiKey(n, "demo", "acme"))
	}
	first := apiKey(1, "demo", "acme").ID
	disable(t, s, first)
	addKey(t, s, apiKey(4, "demo", "acme"))
	enable := func() error {
		k := get(t)(s.APIKey(t.Context(), first))
		k.Status, k.Version = authority.Active, k.Version+1
		return s.UpdateAPIKey(t.Context(), k, limits, draft(authority.APIKeyEnabled, string(first)))
	}
	refused(t, s, authority.ErrActiveKeyLimit, enable)
	// An active one can still be changed at the limit, and a disabled one too.
	for _, id := range []authority.ClientID{first, apiKey(2, "demo", "acme").ID} {
		k := get(t)(s.APIKey(t.Context(), id))
		k.Name, k.Version = "Renamed", k.Version+1
		must(t, s.UpdateAPIKey(t.Context(), k, limits, draft(authority.APIKeyUpdated, string(id))))
	}
	deleteKey(t, s, apiKey(4, "demo", "acme").ID)
	must(t, enable())
	if k := get(t)(s.APIKey(t.Context(), first)); k.Status != authority.Active {
		t.Errorf("status %s", k.Status)
	}
}

func testDeleteAPIKey(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "acme")
	k := addKey(t, s, apiKey(1, "demo", "acme"))
	deleteKey(t, s, k.ID)
	_, err := s.APIKey(t.Context(), k.ID)
	wantError(t, err, authority.ErrNotFound)
	st := read(t, s)
	if len(st.Keys)+len(st.Directory.Keys) != 0 {
		t.Errorf("listed %v, in the directory %v", st.Keys, st.Directory.Keys)
	}
	var secrets int
	must(t, s.(*Store).read.QueryRowContext(t.Context(), `SELECT count(*) FROM secrets`).Scan(&secrets))
	if secrets != 0 {
		t.Errorf("%d secrets are left", secrets)
	}
	// Also at the limit, and with the version of the deleted one, it is gone.
	for n := 2; n <= 4; n++ {
		addKey(t, s, apiKey(n, "demo", "acme"))
	}
	for version := int64(1); version <= 4; version++ {
		k.Version = version
		refused(t, s, authority.ErrConflict, func() error {
			return s.UpdateAPIKey(t.Context(), k, limits, draft(authority.APIKeyUpdated, string(k.ID)))
		})
		refused(t, s, authority.ErrConflict, func() error {
			return s.DeleteAPIKey(t.Context(), k, draft(authority.APIKeyDeleted, string(k.ID)))
		})
	}
}

// API keys are found by merchant, environment and status, and by all of these.
func testAPIKeysByStatus(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "acme")
	addMerchant(t, s, "other")
	all := map[string]authority.ClientID{}
	for n, name := range []string{"demo active", "demo disabled", "demo deleted", "production active", "production disabled"} {
		env, status, _ := strings.Cut(name, " ")
		k := addKey(t, s, apiKey(n, env, "acme"))
		all[name] = k.ID
		switch status {
		case "disabled":
			k.Status, k.Version = authority.Disabled, 2
			must(t, s.UpdateAPIKey(t.Context(), k, limits, draft(authority.APIKeyDisabled, string(k.ID))))
		case "deleted":
			deleteKey(t, s, k.ID)
		}
	}
	foreign := addKey(t, s, apiKey(9, "demo", "other")).ID
	for _, test := range []struct {
		f    authority.APIKeyFilter
		want []authority.ClientID
	}{
		{authority.APIKeyFilter{}, []authority.ClientID{all["demo active"], all["demo disabled"], foreign, all["production active"], all["production disabled"]}},
		{authority.APIKeyFilter{Status: authority.Active}, []authority.ClientID{all["demo active"], foreign, all["production active"]}},
		{authority.APIKeyFilter{Status: authority.Disabled}, []authority.ClientID{all["demo disabled"], all["production disabled"]}},
		{authority.APIKeyFilter{MerchantID: "acme", Status: authority.Active}, []authority.ClientID{all["demo active"], all["production active"]}},
		{authority.APIKeyFilter{MerchantID: "acme", Env: "demo", Status: authority.Disabled}, []authority.ClientID{all["demo disabled"]}},
		{authority.APIKeyFilter{Env: "production", Status: authority.Active}, []authority.ClientID{all["production active"]}},
		{authority.APIKeyFilter{MerchantID: "none", Status: authority.Active}, []authority.ClientID{}},
	} {
		got := []authority.ClientID{}
		for after := authority.ClientID(""); ; {
			page, err := s.APIKeys(t.Context(), test.f, after, 2)
			must(t, err)
			got = append(got, ids(page)...)
			if len(page) < 2 {
				break
			}
			after = page[1].ID
		}
		wantEqual(t, fmt.Sprintf("%+v", test.f), got, test.want)
	}
}
