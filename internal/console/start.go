package console

import (
	"net/http"
	"slices"
	"strings"

	"github.com/tokenwright/tokenwright/internal/authority"
)

var startRoutes = []route{
	page("/merchants/{merchantId}/start", authority.APIKeysRead, (*Console).showStart),
}

// startPage leads to a first token, with the reader's own API key.
type startPage struct {
	Environment authority.Environment
	Keys        []authority.KeyUse // to choose from
	Key         *authority.APIKey  // the chosen one; nil where there is none
	Status      string
	Scopes      []string // of it, but for those of the admin API, which a token has where it is asked for them
	Endpoint    string
	Samples     []sample
	Claims      []claim
}

// claim is a line of what a token says.
type claim struct {
	Name    string // of the header for alg, kid and typ; a dot parts an object from its member
	Meaning string
	Value   string // that it will have; "" where only the token tells
}

// maxChoice is how many API keys the page offers.
const maxChoice = 50

func (c *Console) showStart(v *visit) error {
	query := v.Request.URL.Query()
	p := &startPage{Environment: c.environments()[0], Endpoint: c.tokenEndpoint()}
	for _, env := range c.environments() {
		if env.Name == query.Get("env") {
			p.Environment = env
		}
	}
	v.env = p.Environment.Name
	q := authority.KeyQuery{APIKeyFilter: authority.APIKeyFilter{MerchantID: v.merchant.ID, Env: v.env}, Order: authority.KeysNewestFirst}
	var err error
	if p.Keys, err = c.Authority.KeyUses(v.Request.Context(), v.actor, q, maxChoice); err != nil {
		return err
	}
	if p.Key, err = v.chosenKey(query.Get("key"), p.Keys); err != nil {
		return err
	}
	if p.Key != nil {
		if !slices.ContainsFunc(p.Keys, func(u authority.KeyUse) bool { return u.ID == p.Key.ID }) {
			p.Keys = slices.Insert(p.Keys, 0, authority.KeyUse{APIKey: *p.Key}) // the form must not say another one
		}
		p.Status, p.Samples = keyStatus(p.Key, c.Authority.Now()), c.samples(p.Key.ID)
		p.Scopes = slices.DeleteFunc(slices.Clone(p.Key.Scopes), authority.ManagementScope)
		p.Claims = claimsOf(p.Key, p.Scopes, &p.Environment)
	}
	return v.render(http.StatusOK, "start", view{Title: "First token", Nav: "start", Scripts: []string{"try.js"}, Data: p})
}

// chosenKey is the API key with the ID, or else one of the list that gets tokens, or
// any of it; nil where there is none.
func (v *visit) chosenKey(id string, list []authority.KeyUse) (*authority.APIKey, error) {
	if id != "" && !strings.ContainsFunc(id, notIDCharacter) {
		k, err := v.console.Authority.APIKey(v.Request.Context(), v.actor, authority.ClientID(id))
		if err != nil || k.MerchantID == v.merchant.ID && k.Env == v.env {
			return k, err
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	now := v.console.Authority.Now()
	at := slices.IndexFunc(list, func(u authority.KeyUse) bool { return keyStatus(&u.APIKey, now) == "active" })
	return &list[max(at, 0)].APIKey, nil
}

// claimsOf is what a token of the API key says (see the guide).
func claimsOf(k *authority.APIKey, scopes []string, env *authority.Environment) []claim {
	return []claim{
		{"iss", "Who issued it: this environment of this installation.", env.Issuer},
		{"aud", "The one API that it is for.", env.Audience},
		{"sub", "Whose token it is: the client ID.", string(k.ID)},
		{"client_id", "The same, under the name that OAuth has for it.", string(k.ID)},
		{"scope", "What it may do.", strings.Join(scopes, " ")},
		{"claims.env", "The environment. A token of one is of no use in another.", k.Env},
		{"claims.merchantId", "The merchant whose data it is about, and no other.", string(k.MerchantID)},
		{"iat", "When it was issued, in seconds since 1970.", ""},
		{"exp", "When it ends. Ask for the next one at about 80 % of the time.", ""},
		{"jti", "Its own number: no two tokens have the same.", ""},
		{"gen", "The generation of the API key. What ends all its tokens raises it.", ""},
		{"alg", "In the header: how it is signed.", string(env.Algorithm)},
		{"kid", "In the header: with which signing key of the issuer.", ""},
		{"typ", "In the header: that it is an access token, and no other kind of JWT.", "at+jwt"},
	}
}
