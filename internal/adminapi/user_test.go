package adminapi_test

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/adminapi"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/jose"
	"github.com/tokenwright/tokenwright/internal/storetest"
)

// directoryOfUsers is the admin API of an installation with merchants 1 and 2,
// for whichever actor.
type directoryOfUsers struct {
	*testing.T
	api  *adminapi.API
	auth *authority.Authority
}

func newDirectoryOfUsers(t *testing.T) *directoryOfUsers {
	t.Helper()
	master, _ := authority.NewMasterKey()
	st, err := storetest.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "tokenwright.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	cfg := authority.Config{Store: st, MasterKeys: []authority.MasterKey{master}, Environments: []authority.Environment{
		{Name: "demo", Issuer: "http://localhost:8080/demo", Algorithm: jose.ES256},
		{Name: authority.Platform, Issuer: "http://localhost:8080/platform", Algorithm: jose.ES256},
	}}
	err = authority.Initialize(t.Context(), cfg, "tw", authority.MerchantNumbers, rootActor)
	d := &directoryOfUsers{T: t}
	if err == nil {
		d.auth, err = authority.Open(t.Context(), cfg)
	}
	if err != nil {
		t.Fatal(err)
	}
	d.api = adminapi.New(adminapi.Config{Authority: d.auth, Accounts: account.New(d.auth, st)})
	for _, id := range []authority.MerchantID{"1", "2"} {
		if _, err := d.auth.CreateMerchant(t.Context(), rootActor, authority.NewMerchant{ID: id, Name: "Merchant"}); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

var rootActor = authority.Actor{ID: "cli:root@host", Permissions: authority.Everything()}

// as is a client for who has the scopes.
func (d *directoryOfUsers) as(scopes ...string) *admin.Client {
	return d.of(authority.Actor{ID: "api_key:operator", Permissions: &authority.Permissions{Scopes: scopes}})
}

func (d *directoryOfUsers) of(actor authority.Actor) *admin.Client {
	return &admin.Client{URL: "http://local", HTTPClient: &http.Client{Transport: d.api.Local(actor)}, PageSize: 2}
}

// send sends one request of the command line's, and returns the answer.
func (d *directoryOfUsers) send(method, path, body string, header ...string) (*http.Response, string) {
	d.Helper()
	r, err := http.NewRequestWithContext(d.Context(), method, "http://local"+adminapi.Root+path, strings.NewReader(body))
	if err != nil {
		d.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := d.api.Local(rootActor).RoundTrip(r)
	if err != nil {
		d.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		d.Fatal(err)
	}
	return resp, string(text)
}

// refused holds that the error is an answer of this status and reason.
func (d *directoryOfUsers) refused(what string, err error, status int, reason string) {
	d.Helper()
	refusal, ok := errors.AsType[*admin.Error](err)
	if !ok || refusal.Status != status || refusal.Reason != reason {
		d.Errorf("%s: got %v, want %d %s", what, err, status, reason)
	}
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestUsersAreMadeChangedListedAndDeleted(t *testing.T) {
	d := newDirectoryOfUsers(t)
	c := d.of(rootActor)
	roles := []admin.Membership{{MerchantID: admin.NumberID("1"), Role: "administrator"}, {MerchantID: admin.NumberID("2"), Role: "viewer"}}
	ada := must(c.CreateUser(t.Context(), admin.NewUser{Email: "Ada@example.com", Name: "<b>Ada</b> & Søn", Memberships: roles}))(t)
	if ada.Email != "Ada@example.com" || ada.Name != "<b>Ada</b> & Søn" || ada.Status != "active" || ada.Operator || ada.Version != 1 || !reflect.DeepEqual(ada.Memberships, roles) {
		t.Errorf("made %+v", ada)
	}
	op := must(c.CreateUser(t.Context(), admin.NewUser{Email: "op@example.com", Name: "Op", Operator: true}))(t)
	other := must(c.CreateUser(t.Context(), admin.NewUser{Email: "o@example.com", Name: "Other"}))(t)
	must(c.DisableUser(t.Context(), other.ID, 1))(t)

	for want, f := range map[string]admin.UserFilter{
		"Ada@example.com o@example.com op@example.com": {}, "Ada@example.com": {MerchantID: admin.NumberID("2")}, "o@example.com": {Status: "disabled"},
	} {
		emails := []string{}
		for _, u := range must(admin.Collect(c.Users(t.Context(), f)))(t) {
			emails = append(emails, u.Email)
		}
		slices.Sort(emails)
		if got := strings.Join(emails, " "); got != want {
			t.Errorf("%+v lists %s, want %s", f, got, want)
		}
	}
	changed := must(c.UpdateUser(t.Context(), ada.ID, admin.UserUpdate{Name: new("Ada"), Memberships: new([]admin.Membership), IfVersion: 1}))(t)
	if changed.Name != "Ada" || len(changed.Memberships) != 0 || changed.Version != 2 {
		t.Errorf("changed to %+v", changed)
	}
	if got := must(c.User(t.Context(), ada.ID))(t); !reflect.DeepEqual(got, changed) {
		t.Errorf("read %+v, want %+v", got, changed)
	}
	_, err := c.EnableUser(t.Context(), ada.ID, 1)
	d.refused("an old version", err, 412, "version")
	_, err = c.CreateUser(t.Context(), admin.NewUser{Email: "ADA@example.com", Name: "Again"})
	d.refused("the same address", err, 409, "exists")
	d.refused("the last operator", d.as(authority.ManagementScopes()...).DeleteUser(t.Context(), op.ID, 0), 409, "last_operator")
	_, err = d.as("users:read", "users:write").UpdateUser(t.Context(), other.ID, admin.UserUpdate{Operator: new(true)})
	d.refused("a role above one's own", err, 403, "forbidden")
	must("", c.DeleteUser(t.Context(), ada.ID, 2))(t)
	_, err = c.User(t.Context(), ada.ID)
	d.refused("the deleted", err, 404, "not_found")
	_, unknown := c.User(t.Context(), "usr_0000000000000000000000")
	if unknown.Error() != err.Error() {
		t.Errorf("one that never was is refused otherwise: %v, %v", unknown, err)
	}
}

func TestUsersHaveETagsAndPlaces(t *testing.T) {
	d := newDirectoryOfUsers(t)
	resp, body := d.send("POST", "/users", `{"email":"a@example.com","name":"A","memberships":[{"merchantId":"1","role":"viewer"}]}`, "Idempotency-Key", "0123456789abcdefghijkl")
	if resp.StatusCode != 201 || resp.Header.Get("ETag") != `"1"` || !strings.Contains(body, `"memberships":[{"merchantId":1,"role":"viewer"}]`) {
		t.Fatalf("%d, %v: %s", resp.StatusCode, resp.Header, body)
	}
	place := strings.TrimPrefix(resp.Header.Get("Location"), adminapi.Root)
	if resp, again := d.send("GET", place, ""); resp.StatusCode != 200 || again != body || resp.Header.Get("ETag") != `"1"` {
		t.Errorf("at %s is %s, want %s", place, again, body)
	}
	resp, again := d.send("POST", "/users", `{"email":"a@example.com","name":"A","memberships":[{"merchantId":"1","role":"viewer"}]}`, "Idempotency-Key", "0123456789abcdefghijkl")
	if resp.StatusCode != 201 || again != body || resp.Header.Get("Idempotency-Replayed") != "true" || resp.Header.Get("Location") != adminapi.Root+place {
		t.Errorf("again: %d, %v: %s", resp.StatusCode, resp.Header, again)
	}
	if resp, _ := d.send("PATCH", place, `{"name":"B"}`, "If-Match", `"2"`); resp.StatusCode != 412 {
		t.Errorf("another version: %d", resp.StatusCode)
	}
	if resp, _ := d.send("PATCH", place, `{"name":"B"}`, "If-Match", `"1"`); resp.StatusCode != 200 || resp.Header.Get("ETag") != `"2"` {
		t.Errorf("this version: %d, %v", resp.StatusCode, resp.Header)
	}
}

// C-193: only what a member is for can be set, and only as what it is.
func TestUsersTakeNoOtherMembers(t *testing.T) {
	d := newDirectoryOfUsers(t)
	resp, body := d.send("POST", "/users", `{"email":"a@example.com","name":"A"}`)
	place := strings.TrimPrefix(resp.Header.Get("Location"), adminapi.Root)
	for _, member := range []string{"id", "status", "createdAt", "createdBy", "updatedAt", "version", "Operator", "role", "scopes", "merchantId", "password"} {
		for path, method := range map[string]string{"/users": "POST", place: "PATCH", place + "/enable": "POST"} {
			resp, text := d.send(method, path, `{"email":"b@example.com","name":"B","`+member+`":"active"}`)
			if resp.StatusCode != 400 || !strings.Contains(text, `{"field":"`+member+`","reason":"is no member of this request"}`) && member != "Operator" {
				t.Errorf("%s %s with %s: %d %s", method, path, member, resp.StatusCode, text)
			}
		}
	}
	for text, field := range map[string]string{
		`{"email":"b@example.com"}`: "email", `{"operator":"true"}`: "operator", `{"operator":1}`: "operator", `{"operator":null}`: "operator", `{"name":null}`: "name",
		`{"memberships":null}`: "memberships", `{"memberships":{}}`: "memberships", `{"memberships":["1"]}`: "memberships", `{"memberships":"1"}`: "memberships",
		`{"memberships":[{"merchantId":1,"role":"viewer","scopes":[]}]}`:                                                     "memberships[0].scopes",
		`{"memberships":[{"merchantId":1,"role":"viewer"},{"merchantId":true,"role":"viewer"}]}`:                             "memberships[1].merchantId",
		`{"memberships":[{"merchantId":1,"role":7}]}`:                                                                        "memberships[0].role",
		`{"memberships":[{"role":"viewer"}]}`:                                                                                "memberships",
		`{"memberships":[{"merchantId":1,"role":"operator"}]}`:                                                               "memberships",
		`{"memberships":[{"merchantId":1,"role":"viewer"},{"merchantId":"1","role":"viewer"}]}`:                              "memberships",
		`{"memberships":[{"merchantId":3,"role":"viewer"}]}`:                                                                 "memberships",
		`{"memberships":[` + strings.Repeat(`{"merchantId":1,"role":"viewer"},`, 100) + `{"merchantId":1,"role":"viewer"}]}`: "memberships",
	} {
		resp, answer := d.send("PATCH", place, text)
		if resp.StatusCode != 400 || !strings.Contains(answer, `"errors":[{"field":"`+field+`",`) {
			t.Errorf("%.80s: %d %s", text, resp.StatusCode, answer)
		}
	}
	if _, now := d.send("GET", place, ""); now != body {
		t.Errorf("the user is %s, was %s", now, body)
	}
	for _, query := range []string{"?status=deleted", "?merchantId=x", "?email=a@example.com", "?limit=0", "?cursor=x"} {
		resp, text := d.send("GET", "/users"+query, "")
		if resp.StatusCode != 400 {
			t.Errorf("%s: %d %s", query, resp.StatusCode, text)
		}
	}
}

// C-192: every endpoint takes its scope, also of whom no token was asked for.
func TestUsersTakeTheirScopes(t *testing.T) {
	d := newDirectoryOfUsers(t)
	ada := must(d.of(rootActor).CreateUser(t.Context(), admin.NewUser{Email: "a@example.com", Name: "A"}))(t)
	calls := map[string]func(c *admin.Client) error{
		"users:read list": func(c *admin.Client) error {
			_, err := admin.Collect(c.Users(t.Context(), admin.UserFilter{}))
			return err
		},
		"users:read show": func(c *admin.Client) error { _, err := c.User(t.Context(), ada.ID); return err },
		"users:write create": func(c *admin.Client) error {
			_, err := c.CreateUser(t.Context(), admin.NewUser{Email: "b@example.com", Name: "B"})
			return err
		},
		"users:write update": func(c *admin.Client) error {
			_, err := c.UpdateUser(t.Context(), ada.ID, admin.UserUpdate{Name: new("B")})
			return err
		},
		"users:write disable": func(c *admin.Client) error { _, err := c.DisableUser(t.Context(), ada.ID, 0); return err },
		"users:write enable":  func(c *admin.Client) error { _, err := c.EnableUser(t.Context(), ada.ID, 0); return err },
		"users:delete delete": func(c *admin.Client) error { return c.DeleteUser(t.Context(), ada.ID, 0) },
	}
	for _, name := range slices.Sorted(maps.Keys(calls)) {
		scope, _, _ := strings.Cut(name, " ")
		others := slices.DeleteFunc(authority.ManagementScopes(), func(s string) bool { return s == scope })
		d.refused(name, calls[name](d.as(others...)), 403, "forbidden")
	}
	if got := must(d.of(rootActor).User(t.Context(), ada.ID))(t); !reflect.DeepEqual(got, ada) {
		t.Errorf("the user is %+v, was %+v", got, ada)
	}
	for name := range calls {
		if scope, verb, _ := strings.Cut(name, " "); verb != "delete" {
			if err := calls[name](d.as(scope)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if err := calls["users:delete delete"](d.as("users:delete")); err != nil {
		t.Error(err)
	}
}
