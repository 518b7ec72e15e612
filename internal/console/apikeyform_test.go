package console_test

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

var secretText = regexp.MustCompile(`tws_demo_[0-9A-Za-z]{49}`)

// C-466: nothing is chosen for whoever makes an API key.
func TestANewAPIKeyHasNoScopeThatNobodyChose(t *testing.T) {
	h := newHarness(t)
	b := h.administrator()
	b.get(demoKeys+"/new").want(t, http.StatusOK, "Choose only what the application needs", "Text about customers:write", "api-keys:write")
	form, known := b.page.form(demoKeys + "/new")
	if form.Has("scopes") || !known["scopes"] || form.Get("expiresAt") != "" {
		t.Errorf("the form begins with %v", form)
	}
	b.send(demoKeys+"/new", "name", "Orders", "scopes", "customers:read", "scopes", "coupons:read", "expiresAt", "2026-01-31", "allowedCidrs", "192.0.2.0/24\r\n2001:db8::/32",
		"description", "One\r\ntwo").want(t, http.StatusOK, "API key created", "Orders")
	k := h.keys()[0]
	if !slices.Equal(k.Scopes, []string{"coupons:read", "customers:read"}) || !k.ExpiresAt.Equal(time.Date(2026, 1, 31, 23, 59, 59, 0, time.UTC)) ||
		len(k.AllowedCIDRs) != 2 || k.Description != "One two" || !strings.HasPrefix(k.CreatedBy, "user:usr_") {
		t.Errorf("made %+v", k)
	}
}

// C-466, C-190, C-197: a form that is sent again makes nothing, and loses nothing.
func TestAFormSentAgainShowsTheSameSecret(t *testing.T) {
	h := newHarness(t)
	b := h.administrator()
	b.get(demoKeys + "/new")
	form, _ := b.page.form(demoKeys + "/new")
	form.Set("name", "Orders")
	form.Set("scopes", "customers:read")
	answers := make([]*answer, 5)
	var all sync.WaitGroup
	for i := range answers { // who clicks twice does not wait
		all.Go(func() {
			own := *b
			answers[i] = own.sendForm(demoKeys+"/new", form)
		})
	}
	all.Wait()
	secret := secretText.FindString(answers[0].body)
	for _, a := range append(answers, b.sendForm(demoKeys+"/new", form)) {
		if a.want(t, http.StatusOK, "Copy the secret now"); secretText.FindString(a.body) != secret || secret == "" || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("shows %q, the first %q", secretText.FindString(a.body), secret)
		}
	}
	if keys := h.keys(); len(keys) != 1 {
		t.Fatalf("made %d API keys", len(keys))
	}
	k := h.keys()[0]
	h.must(h.use(&k, secret))
	key := demoKeys + "/" + string(k.ID)
	for _, page := range []string{demoKeys, key, key + "/edit", key + "/rotate", key + "/delete", demoKeys + "/export.csv", "/console/merchants/4259/start"} {
		b.get(page).want(t, http.StatusOK).wantNot(t, secret)
	}
	form.Set("name", "Another one")
	b.sendForm(demoKeys+"/new", form).want(t, http.StatusConflict, "This form was sent before")
	form.Set("name", "Orders")
	b.get(key)
	b.follow(b.send(key+"/disable")).want(t, http.StatusOK)
	b.sendForm(demoKeys+"/new", form).want(t, http.StatusConflict, "This form was sent before").wantNot(t, secret)
	form.Set("once", "short")
	b.sendForm(demoKeys+"/new", form).want(t, http.StatusBadRequest)
}

// C-466
func TestARefusedFormKeepsWhatWasTyped(t *testing.T) {
	h := newHarness(t)
	b := h.administrator()
	typed := []string{"name", "Orders <b>", "description", "For the shop", "scopes", "customers:write", "scopes", "api-keys:read", "expiresAt", "2026-01-31", "allowedCidrs", "192.0.2.0/24\n10.0.0.0/33"}
	refuse := func(status int, texts ...string) {
		t.Helper()
		b.send(demoKeys+"/new", typed...).want(t, status, texts...)
		form, _ := b.page.form(demoKeys + "/new")
		for name, values := range valuesOf(typed) {
			if got := form[name]; !slices.Equal(got, values) {
				t.Errorf("%s is %q, typed was %q", name, got, values)
			}
		}
	}
	b.get(demoKeys + "/new")
	refuse(http.StatusBadRequest, `The list of networks has "10.0.0.0/33"`)
	typed[11] = "192.0.2.0/24"
	for _, wrong := range []struct{ at, value, text string }{
		{"name", " ", "The name is empty."}, {"name", strings.Repeat("n", 101), "The name is longer than 100"}, {"expiresAt", "2020-01-01", "The expiry is not in the future"},
		{"expiresAt", "soon", "The expiry is no day"}, {"description", strings.Repeat("d", 1001), "The description is longer"},
	} {
		at := slices.Index(typed, wrong.at) + 1
		right := typed[at]
		typed[at] = wrong.value
		refuse(http.StatusBadRequest, wrong.text)
		typed[at] = right
	}
	b.post(demoKeys+"/new", "name", "Orders", "scopes", "merchants:write", "once", strings.Repeat("A", 26)).want(t, http.StatusBadRequest, "The choice of scopes has")
	b.get(demoKeys + "/new")
	for range 3 {
		h.key("Other")
	}
	refuse(http.StatusConflict, "The limit of active API keys is reached.")
	if len(h.keys()) != 3 {
		t.Error("an API key was made")
	}
}

// C-196, C-466
func TestAnAPIKeyIsEditedAsItWasSeen(t *testing.T) {
	h := newHarness(t)
	end := time.Date(2026, 3, 1, 10, 30, 0, 0, time.UTC)
	k, secret, err := h.auth.CreateAPIKey(h.ctx, root, authority.NewAPIKey{MerchantID: "4259", Env: "demo", Name: "Orders", Scopes: []string{"customers:read"}, ExpiresAt: end})
	h.must(err)
	b, other := h.administrator(), h.signedIn(h.operator("Olga"))
	page := demoKeys + "/" + string(k.ID) + "/edit"
	b.get(page)
	other.get(page)
	b.follow(b.send(page, "name", "Orders 2", "scopes", "coupons:read")).want(t, http.StatusOK, "Orders 2", "The API key was changed.")
	now, err := h.auth.APIKey(h.ctx, root, k.ID)
	if h.must(err); !now.ExpiresAt.Equal(end) || now.Generation != k.Generation || !slices.Equal(now.Scopes, []string{"coupons:read"}) {
		t.Errorf("changed to %+v", now)
	}
	other.send(page, "name", "Orders 3").want(t, http.StatusConflict, "Somebody else has changed it meanwhile")
	if form, _ := other.page.form(page); form.Get("name") != "Orders 3" {
		t.Errorf("what was typed is gone: %v", form)
	}
	b.get(page)
	b.follow(b.send(page, "expiresAt", "", "revoke", "on")).want(t, http.StatusOK, "its tokens have ended", "never")
	now, err = h.auth.APIKey(h.ctx, root, k.ID)
	if h.must(err); !now.ExpiresAt.IsZero() || now.Generation <= k.Generation || now.Name != "Orders 2" {
		t.Errorf("changed to %+v", now)
	}
	h.must(h.use(k, secret.Reveal()))
}

// C-196: what has ended is changed as anything else is, and is not said to work.
func TestAnExpiredAPIKeyIsEditedWithoutANewLife(t *testing.T) {
	h := newHarness(t)
	k, _ := h.key("Orders", "customers:read")
	page := demoKeys + "/" + string(k.ID) + "/edit"
	first := regexp.MustCompile(`name="expiresAt"[^>]* value="([^"]*)" min="([^"]*)"`)
	for i, c := range []struct {
		end       time.Time
		day, from string
		says      string
	}{
		{started.Add(2 * time.Hour), "2025-11-24", "2025-11-24", "it has ended 24 Nov 2025, 18:00 UTC"},
		{time.Date(2025, 11, 24, 23, 59, 59, 0, time.UTC), "2025-11-24", "2025-11-24", ""},
		{started.Add(240 * time.Hour), "2025-12-04", "2025-11-26", "it ends 4 Dec 2025, 16:00 UTC"},
		{time.Time{}, "", "2025-11-26", ""},
	} {
		*h.at = started
		changed, err := h.auth.UpdateAPIKey(h.ctx, root, k.ID, authority.APIKeyUpdate{ExpiresAt: &c.end})
		h.must(err)
		*h.at = started.Add(48 * time.Hour)
		b := h.signedIn(h.operator("Olga" + strconv.Itoa(i)))
		b.get(page).want(t, http.StatusOK, c.says)
		if m := first.FindStringSubmatch(b.page.body); m == nil || m[1] != c.day || m[2] != c.from {
			t.Errorf("an end of %s is shown as %q", c.end, m)
		}
		if c.says == "" {
			b.page.wantNot(t, "As it is now")
		}
		b.follow(b.send(page, "description", c.end.String())).want(t, http.StatusOK, "The API key was changed.")
		now, err := h.auth.APIKey(h.ctx, root, k.ID)
		if h.must(err); !now.ExpiresAt.Equal(changed.ExpiresAt) || now.Description != c.end.String() {
			t.Errorf("an end of %s became %s", c.end, now.ExpiresAt)
		}
	}
}

// C-190, C-199
func TestASecretIsRotatedWithAnOverlap(t *testing.T) {
	h := newHarness(t)
	k, old := h.key("Orders", "customers:read")
	b := h.administrator()
	key := demoKeys + "/" + string(k.ID)
	b.get(key).want(t, http.StatusOK, "The only secret that works cannot be deleted").wantNot(t, "/secrets/1/delete")
	b.get(key+"/rotate").want(t, http.StatusOK, "24 hours")
	if form, _ := b.page.form(key + "/rotate"); form.Get("overlap") != "86400" {
		t.Errorf("the form begins with %v", form)
	}
	*h.at = h.at.Add(6 * time.Minute)
	b.send(key+"/rotate", "overlap", "3600", "name", "spring").want(t, http.StatusForbidden, "Confirm that it is you")
	a := b.send(key+"/rotate", "confirm-password", password).want(t, http.StatusOK, "Secret rotated", "Orders has a new secret")
	h.must(h.use(k, old))
	h.must(h.use(k, secretText.FindString(a.body)))
	b.get(key).want(t, http.StatusOK, "retiring", "spring", "…"+old[len(old)-4:])
	b.get(key+"/secrets/1/delete").want(t, http.StatusOK, "In use", "got 1 token in the last 30 days")
	b.follow(b.send(key+"/secrets/1/delete")).want(t, http.StatusOK, "The secret was deleted.").wantNot(t, "retiring")
	if h.use(k, old) == nil {
		t.Error("a deleted secret gets a token")
	}
	for _, wrong := range [][]string{{"overlap", "-1"}, {"overlap", "99999999999999999999"}, {"overlap", "x"}, {"expiresAt", "2020-01-01"}, {"name", strings.Repeat("n", 101)}} {
		b.get(key + "/rotate")
		b.send(key+"/rotate", wrong...).want(t, http.StatusBadRequest, "This was not taken")
	}
	for range 4 {
		b.get(key + "/rotate")
		b.send(key+"/rotate").want(t, http.StatusOK)
	}
	b.get(key + "/rotate")
	b.send(key+"/rotate").want(t, http.StatusConflict, "five secrets that work")
}
