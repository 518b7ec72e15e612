package admin

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/test/harness"
)

// Both ends of the wire: whatever a merchant goes through.
func TestTheClientManagesMerchants(t *testing.T) {
	t.Parallel()
	_, _, c := start(t)
	ctx := t.Context()
	limit := 5
	m := ok[*admin.Merchant](t)(c.CreateMerchant(ctx, admin.NewMerchant{ID: admin.NumberID("9007199254740991"), Name: "Largest", KeyLimit: &limit}))
	if m.ID != admin.NumberID("9007199254740991") || m.Name != "Largest" || m.Status != "active" || m.KeyLimit != 5 || m.Version != 1 || time.Since(m.CreatedAt) > time.Minute {
		t.Errorf("got %+v", m)
	}
	name := "Larger"
	u := ok[*admin.Merchant](t)(c.UpdateMerchant(ctx, m.ID, admin.MerchantUpdate{Name: &name, IfVersion: 1}))
	if u.Name != name || u.KeyLimit != 5 || u.Version != 2 {
		t.Errorf("got %+v", u)
	}
	_, err := c.UpdateMerchant(ctx, m.ID, admin.MerchantUpdate{Name: &name, IfVersion: 1})
	refused(t, err, http.StatusPreconditionFailed, "version")
	if s := ok[*admin.Merchant](t)(c.SuspendMerchant(ctx, m.ID, 2)); s.Status != "suspended" {
		t.Errorf("got %+v", s)
	}
	if r := ok[*admin.Merchant](t)(c.ResumeMerchant(ctx, m.ID, 0)); r.Status != "active" || *ok[*admin.Merchant](t)(c.Merchant(ctx, m.ID)) != *r {
		t.Errorf("got %+v", r)
	}
	_, err = c.CreateMerchant(ctx, admin.NewMerchant{ID: m.ID, Name: "Again"})
	refused(t, err, http.StatusConflict, "exists")
	refused(t, c.DeleteMerchant(ctx, m.ID, 1), http.StatusPreconditionFailed, "version")
	if err := c.DeleteMerchant(ctx, m.ID, 0); err != nil {
		t.Fatal(err)
	}
	_, err = c.Merchant(ctx, m.ID)
	refused(t, err, http.StatusNotFound, "not_found")
	refused(t, c.DeleteMerchant(ctx, m.ID, 0), http.StatusNotFound, "not_found") // that it is gone was known before
}

// refused holds that err is an answer of the admin API, with a request ID.
func refused(t *testing.T, err error, status int, reason string) *admin.Error {
	t.Helper()
	e, isOne := errors.AsType[*admin.Error](err)
	if !isOne || e.Status != status || e.Reason != reason || e.Code != fmt.Sprint(status) || e.Message == "" || e.RequestID == "" {
		t.Fatalf("got %#v (%v), not %d %s", e, err, status, reason)
	}
	return e
}

func TestTheClientManagesTheScopeCatalogue(t *testing.T) {
	t.Parallel()
	_, _, c := start(t)
	ctx := t.Context()
	s := ok[*admin.Scope](t)(c.CreateScope(ctx, admin.Scope{Name: "orders:read", Description: "Look up orders", Resource: "https://orders.example.com"}))
	if s.Name != "orders:read" || s.Resource != "https://orders.example.com" || s.CreatedAt.IsZero() {
		t.Errorf("got %+v", s)
	}
	all := ok[[]admin.Scope](t)(admin.Collect(c.Scopes(ctx)))
	if len(all) != 3 || all[2] != *s {
		t.Errorf("got %+v", all)
	}
	if err := c.DeleteScope(ctx, s.Name); err != nil {
		t.Fatal(err)
	}
	refused(t, c.DeleteScope(ctx, s.Name), http.StatusNotFound, "not_found")
	_, err := c.CreateScope(ctx, admin.Scope{Name: "merchants:read"})
	refused(t, err, http.StatusBadRequest, "invalid")
}

// The life of an API key, from its first secret to its end.
func TestTheClientManagesAPIKeys(t *testing.T) {
	t.Parallel()
	s, _, c := start(t)
	ctx := t.Context()
	end := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	created, err := c.CreateAPIKey(ctx, admin.NewAPIKey{
		MerchantID: admin.TextID("4259"), Env: "demo", Name: "Orders", Description: "D", Scopes: []string{"customers:read"}, AllowedCIDRs: []string{"127.0.0.0/8", "::1/128"}, ExpiresAt: end,
	})
	k := noted(t, created, err)
	if k.MerchantID != admin.NumberID("4259") || k.SecretID != 1 || k.ID != k.ClientID || k.ExpiresAt == nil || !k.ExpiresAt.Equal(end) || len(k.AllowedCIDRs) != 2 ||
		!s.Works(t, harness.APIKey{ClientID: k.ClientID, ClientSecret: k.ClientSecret}) {
		t.Errorf("got %+v", k.APIKey)
	}
	none, never := []string(nil), time.Time{}
	u := ok[*admin.APIKey](t)(c.UpdateAPIKey(ctx, k.ID, admin.APIKeyUpdate{AllowedCIDRs: &none, ExpiresAt: &never, IfVersion: k.Version}))
	if u.ExpiresAt != nil || len(u.AllowedCIDRs) != 0 || !slices.Equal(u.Scopes, k.Scopes) || u.Description != "D" {
		t.Errorf("got %+v", u)
	}
	_, err = c.UpdateAPIKey(ctx, k.ID, admin.APIKeyUpdate{IfVersion: k.Version})
	refused(t, err, http.StatusPreconditionFailed, "version")

	hour := int64(3600)
	rotated, err := c.RotateAPIKey(ctx, k.ID, admin.Rotation{Name: "second", Overlap: &hour})
	second := noted(t, rotated, err)
	if second.SecretID != 2 || second.ClientSecret == k.ClientSecret || len(second.Secrets) != 2 {
		t.Errorf("got %+v", second.APIKey)
	}
	secrets := ok[[]admin.Secret](t)(admin.Collect(c.Secrets(ctx, k.ID)))
	if len(secrets) != 2 || secrets[0].RetiredAt == nil || secrets[0].ExpiresAt == nil || secrets[1].Name != "second" || !strings.HasSuffix(second.ClientSecret, secrets[1].Hint) {
		t.Errorf("got %+v", secrets)
	}
	if err := c.DeleteSecret(ctx, k.ID, 1, true, 0); err != nil {
		t.Fatal(err)
	}
	refused(t, c.DeleteSecret(ctx, k.ID, 2, false, 0), http.StatusConflict, "last_secret")

	if d := ok[*admin.APIKey](t)(c.DisableAPIKey(ctx, k.ID, 0)); d.Status != "disabled" || s.Works(t, harness.APIKey{ClientID: k.ID, ClientSecret: second.ClientSecret}) {
		t.Errorf("got %+v", d)
	}
	if list := ok[[]admin.APIKey](t)(admin.Collect(c.APIKeys(ctx, admin.APIKeyFilter{MerchantID: admin.NumberID("4259"), Env: "demo", Status: "disabled"}))); len(list) != 1 || list[0].ID != k.ID || list[0].Secrets != nil {
		t.Errorf("got %+v", list)
	}
	if e := ok[*admin.APIKey](t)(c.EnableAPIKey(ctx, k.ID, 0)); e.Status != "active" {
		t.Errorf("got %+v", e)
	}
	if !s.Works(t, harness.APIKey{ClientID: k.ID, ClientSecret: second.ClientSecret}) {
		t.Error("an API key that was enabled does not work")
	}
	harness.Eventually(t, 10*time.Second, "its use is known", func() bool { // it is written every 5 s
		d := ok[*admin.APIKeyDetails](t)(c.APIKey(ctx, k.ID))
		return d.LastUsedAt != nil && d.Usage.Last24Hours["issued"] == 2 && len(d.Secrets) == 1
	})
	series := ok[*admin.UsageSeries](t)(c.Usage(ctx, admin.UsageFilter{ClientID: k.ID, Interval: "day", From: time.Now().Add(-48 * time.Hour).Truncate(24 * time.Hour), To: time.Now().Add(24 * time.Hour).Truncate(24 * time.Hour)}))
	if series.Interval != "day" || len(series.Items) == 0 {
		t.Errorf("got %+v", series)
	}
	span := time.Hour
	report := ok[[]admin.APIKeyReport](t)(admin.Collect(c.Report(ctx, admin.ReportFilter{MerchantID: admin.NumberID("4259"), UnusedFor: &span, SecretAge: &span})))
	if len(report) != 1 || report[0].ClientID != k.ID || report[0].Issued != 2 || len(report[0].Secrets) != 1 || report[0].MerchantName != "Acme" {
		t.Errorf("got %+v", report)
	}
	if unused := ok[[]admin.APIKeyReport](t)(admin.Collect(c.Report(ctx, admin.ReportFilter{Env: "demo", UnusedOnly: true}))); len(unused) != 0 {
		t.Errorf("got %+v", unused)
	}
	if err := c.DeleteAPIKey(ctx, k.ID, 0); err != nil {
		t.Fatal(err)
	}
	_, err = c.APIKey(ctx, k.ID)
	refused(t, err, http.StatusNotFound, "not_found")
}

func TestTheClientManagesSigningKeys(t *testing.T) {
	t.Parallel()
	_, _, c := start(t)
	ctx := t.Context()
	keys := ok[[]admin.SigningKey](t)(admin.Collect(c.SigningKeys(ctx, "demo")))
	if len(keys) != 2 || keys[0].Env != "demo" || keys[0].Status != "active" || keys[0].RotatesAt == nil {
		t.Fatalf("got %+v", keys)
	}
	r := ok[*admin.SigningKeyRotation](t)(c.RotateSigningKey(ctx, "demo"))
	if r.Rotated || r.RotatesAt == nil || r.Active.KeyID != keys[0].KeyID || r.Next.KeyID != keys[1].KeyID {
		t.Errorf("got %+v", r)
	}
	_, err := c.RevokeSigningKey(ctx, keys[0].KeyID, false)
	refused(t, err, http.StatusConflict, "unripe")
	revoked := ok[*admin.RevokedSigningKey](t)(c.RevokeSigningKey(ctx, keys[0].KeyID, true))
	if revoked.Revoked.KeyID != keys[0].KeyID || revoked.Active.KeyID != keys[1].KeyID {
		t.Errorf("got %+v", revoked)
	}
	_, err = c.RotateSigningKey(ctx, "nowhere")
	refused(t, err, http.StatusBadRequest, "invalid")
}

// C-402: as many pages as it takes, of the size that was asked for; each item once.
func TestListsOfTheClientAreWhole(t *testing.T) {
	t.Parallel()
	_, _, c := start(t)
	ctx := t.Context()
	for i := range 12 {
		ok[*admin.Merchant](t)(c.CreateMerchant(ctx, admin.NewMerchant{ID: admin.NumberID(fmt.Sprint(100 + i)), Name: "M"}))
	}
	for _, size := range []int{0, 1, 4, 13, 500} {
		paged := *c
		paged.PageSize = size
		all := ok[[]admin.Merchant](t)(admin.Collect(paged.Merchants(ctx)))
		ids := map[admin.MerchantID]bool{}
		for _, m := range all {
			ids[m.ID] = true
		}
		if len(all) != 13 || len(ids) != 13 {
			t.Errorf("pages of %d: %d merchants, %d of them different", size, len(all), len(ids))
		}
		events := ok[[]admin.Event](t)(admin.Collect(paged.Events(ctx, admin.EventFilter{Kind: "merchant.created", NewestFirst: true})))
		if len(events) != 13 || events[0].Subject != "111" || events[12].Subject != "4259" || !strings.HasPrefix(events[0].Actor, "api_key:twc_platform_") {
			t.Errorf("pages of %d: %d events, from %+v", size, len(events), events[0])
		}
		rest := ok[[]admin.Event](t)(admin.Collect(paged.Events(ctx, admin.EventFilter{MerchantID: admin.NumberID("111"), After: events[0].Seq - 1, Until: time.Now().Add(time.Hour)})))
		if len(rest) != 1 || rest[0].Seq != events[0].Seq || rest[0].Address != "127.0.0.1" || rest[0].RequestID == "" {
			t.Errorf("pages of %d: %+v", size, rest)
		}
	}
	paged := *c
	paged.PageSize = 501
	_, err := admin.Collect(paged.Merchants(ctx))
	if e := refused(t, err, http.StatusBadRequest, "invalid"); len(e.Errors) != 1 || e.Errors[0].Field != "limit" {
		t.Errorf("got %+v", e.Errors)
	}
}

// C-401: what is refused is told with all that a program needs.
func TestErrorsOfTheClientAreThoseOfTheServer(t *testing.T) {
	t.Parallel()
	s, _, c := start(t, "--admin-limit", "60")
	ctx := t.Context()
	_, err := c.CreateAPIKey(ctx, admin.NewAPIKey{MerchantID: admin.NumberID("4259"), Env: "nowhere", Name: "K"})
	if e := refused(t, err, http.StatusBadRequest, "invalid"); len(e.Errors) != 1 || e.Errors[0].Field != "env" || !strings.Contains(e.Error(), "env ") {
		t.Errorf("got %+v", e)
	}
	for range 3 {
		created, err := c.CreateAPIKey(ctx, admin.NewAPIKey{MerchantID: admin.NumberID("4259"), Env: "demo", Name: "K"})
		noted(t, created, err)
	}
	_, err = c.CreateAPIKey(ctx, admin.NewAPIKey{MerchantID: admin.NumberID("4259"), Env: "demo", Name: "K"})
	refused(t, err, http.StatusConflict, "active_key_limit")

	reader := s.CreateOperatorKey(t, "merchants:read")
	s.AwaitKeys(t, reader)
	_, err = s.Admin(reader).CreateScope(ctx, admin.Scope{Name: "a:read"})
	if e := refused(t, err, http.StatusForbidden, ""); !strings.Contains(e.Message, "scopes:write") {
		t.Errorf("it says %s", e.Message)
	}
	_, err = (&admin.Client{URL: s.URL, HTTPClient: s.Client}).Merchant(ctx, admin.NumberID("4259"))
	refused(t, err, http.StatusUnauthorized, "")

	for err = nil; err == nil; {
		_, err = c.Merchant(ctx, admin.NumberID("4259"))
	}
	if e := refused(t, err, http.StatusTooManyRequests, ""); e.RetryAfter < time.Second || e.RetryAfter > 5*time.Minute {
		t.Errorf("got %s", e.RetryAfter)
	}
	harness.Eventually(t, 5*time.Second, "the log tells whose requests were refused, and why", func() bool {
		of := map[any]any{}
		for _, r := range s.Records(t, "request") {
			if r["client_id"] != nil && strings.HasPrefix(fmt.Sprint(r["route"]), "/admin/v1/") {
				of[r["refused"]] = r["client_id"]
			}
		}
		return of["insufficient_scope"] == reader.ClientID && of["rate_limit"] != nil && of["rate_limit"] != reader.ClientID
	})
}

func TestTheClientManagesUsers(t *testing.T) {
	t.Parallel()
	_, _, c := start(t)
	ctx := t.Context()
	acme := []admin.Membership{{MerchantID: admin.NumberID("4259"), Role: "administrator"}}
	u := ok[*admin.User](t)(c.CreateUser(ctx, admin.NewUser{Email: "ann@example.com", Name: "Ann", Memberships: acme}))
	if !strings.HasPrefix(u.ID, "usr_") || u.Status != "active" || u.Operator || !slices.Equal(u.Memberships, acme) || u.Version != 1 {
		t.Errorf("got %+v", u)
	}
	_, err := c.CreateUser(ctx, admin.NewUser{Email: "ANN@example.com", Name: "Ann"})
	refused(t, err, http.StatusConflict, "exists")
	var none []admin.Membership
	yes := true
	if u = ok[*admin.User](t)(c.UpdateUser(ctx, u.ID, admin.UserUpdate{Operator: &yes, Memberships: &none, IfVersion: 1})); !u.Operator || len(u.Memberships) != 0 || u.Name != "Ann" {
		t.Errorf("got %+v", u)
	}
	other := ok[*admin.User](t)(c.CreateUser(ctx, admin.NewUser{Email: "bob@example.com", Name: "Bob", Memberships: acme}))
	if d := ok[*admin.User](t)(c.DisableUser(ctx, other.ID, 0)); d.Status != "disabled" {
		t.Errorf("got %+v", d)
	}
	for want, f := range map[string]admin.UserFilter{other.ID: {MerchantID: admin.NumberID("4259"), Status: "disabled"}, u.ID: {Status: "active"}} {
		if list := ok[[]admin.User](t)(admin.Collect(c.Users(ctx, f))); len(list) != 1 || list[0].ID != want {
			t.Errorf("%+v: got %+v", f, list)
		}
	}
	if e := ok[*admin.User](t)(c.EnableUser(ctx, other.ID, 0)); e.Status != "active" {
		t.Errorf("got %+v", e)
	}
	if err := c.DeleteUser(ctx, other.ID, 0); err != nil {
		t.Fatal(err)
	}
	_, err = c.User(ctx, other.ID)
	refused(t, err, http.StatusNotFound, "not_found")
}
