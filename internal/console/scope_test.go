package console_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// C-470
func TestOperatorsKeepTheCatalogueOfScopes(t *testing.T) {
	h := newHarness(t)
	b := h.signedIn(h.operator("Olga"))
	b.get("/console/scopes").want(t, http.StatusOK, "customers customers:read Text about customers:read", "the environment's API", "signing-keys:write")
	b.get("/console/scopes/new").want(t, http.StatusOK)
	b.send("/console/scopes/new", "name", "Rewards", "description", "Kept as typed", "resource", "https://rewards.example.com").want(t, http.StatusBadRequest, "is not a collection, a colon and a level")
	if form, _ := b.page.form("/console/scopes/new"); form.Get("description") != "Kept as typed" || form.Get("resource") != "https://rewards.example.com" {
		t.Errorf("what was typed is gone: %v", form)
	}
	b.send("/console/scopes/new", "name", "merchants:list").want(t, http.StatusBadRequest, "belongs to the admin API")
	b.send("/console/scopes/new", "name", "customers:read").want(t, http.StatusConflict, "This scope is in the catalogue already")
	b.send("/console/scopes/new", "name", "rewards:read", "resource", "ftp://x").want(t, http.StatusBadRequest, "is no URL of a resource server")
	b.follow(b.send("/console/scopes/new", "resource", "https://rewards.example.com")).want(t, http.StatusOK, "The scope was created", "rewards:read Kept as typed https://rewards.example.com")

	b.get("/console/scopes/rewards:read").want(t, http.StatusOK, "Kept as typed")
	b.send("/console/scopes/rewards:read/delete", "confirm", "rewards").want(t, http.StatusBadRequest, "Nothing has happened")
	b.follow(b.send("/console/scopes/rewards:read/delete", "confirm", "rewards:read")).want(t, http.StatusOK, "The scope was deleted").wantNot(t, "rewards:read")
	b.get("/console/scopes/rewards:read").want(t, http.StatusNotFound)
}

// C-470
func TestScopeThatAPIKeysHoldIsNotDeleted(t *testing.T) {
	h := newHarness(t)
	_, _, err := h.auth.CreateAPIKey(h.ctx, root, authority.NewAPIKey{MerchantID: "4259", Env: "demo", Name: "Orders", Scopes: []string{"coupons:read"}})
	h.must(err)
	b := h.signedIn(h.operator("Olga"))
	b.get("/console/scopes/coupons:read").want(t, http.StatusOK)
	b.send("/console/scopes/coupons:read/delete", "confirm", "coupons:read").want(t, http.StatusConflict, "API keys hold it. Take it from each of them first")
	b.get("/console/scopes").want(t, http.StatusOK, "coupons:read")
}

// C-198
func TestDescriptionsOfScopesAreText(t *testing.T) {
	h := newHarness(t)
	b := h.signedIn(h.operator("Olga"))
	for i, text := range naughty {
		name := fmt.Sprintf("text:n%d", i)
		_, err := h.auth.CreateScope(h.ctx, root, authority.Scope{Name: name, Description: text})
		h.must(err)
		b.get("/console/scopes/"+name).want(t, http.StatusOK, text).wantNot(t, "<script>alert", "<img", "<svg/", "<!--")
	}
	b.get("/console/scopes").want(t, http.StatusOK, naughty...).wantNot(t, "<script>alert", "<img", "<svg/", "<!--")
}
