package authority

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/jose"
)

// Issuer is what an environment shows and signs with.
type Issuer struct {
	Environment *Environment
	// Keys are the published signing keys, the oldest first.
	Keys []*jose.Key
	// JWKS is the published set as JSON (RFC 7517 5).
	JWKS []byte

	signer *jose.Signer
	header string // of access tokens

	feedHeader string // of revocation feeds

	// listedFor is how long a cut-off stays listed. Whatever token can be alive
	// was signed by one of these keys, each of which stays published for longer
	// than its tokens live, also where they lived longer once than they do now.
	listedFor time.Duration
}

func (d *directory) loadSigningKeys(keys []SigningKey) error {
	issuers := make([]*Issuer, len(d.environments))
	for i := range d.environments {
		env := &d.environments[i]
		is := &Issuer{Environment: env}
		for j := range keys {
			if keys[j].Env != env.Name {
				continue
			}
			if keys[j].Status != SigningKeyRemoved {
				is.listedFor = max(is.listedFor, keys[j].KeepFor)
			}
			if !keys[j].Status.published() {
				continue
			}
			signer, err := keys[j].open(d.root)
			if err != nil {
				return err
			}
			is.Keys = append(is.Keys, signer.Public())
			if keys[j].Status == SigningKeyActive {
				is.signer, is.header = signer, signer.Header(accesstoken.Type)
				is.feedHeader = signer.Header(accesstoken.RevocationsType)
			}
		}
		if is.signer == nil {
			return fmt.Errorf("environment %s has no active signing key", env.Name)
		}
		if is.listedFor == 0 { // no server has noted yet how long its tokens live
			is.listedFor = MaxTokenLifetime + time.Hour
		}
		is.JWKS = jose.MarshalJWKS(is.Keys)
		issuers[i] = is
	}
	d.issuers.Store(&issuers)
	d.signingKeys.Store(new(publicHalves(keys)))
	return nil
}

// Issuer returns what the environment shows now; ErrStale before the directory
// has been read, ErrNotFound for an unknown environment.
func (a *Authority) Issuer(env string) (*Issuer, error) {
	d := a.directory.Load()
	if d == nil || d.issuers.Load() == nil {
		return nil, ErrStale
	}
	for _, is := range *d.issuers.Load() {
		if is.Environment.Name == env {
			return is, nil
		}
	}
	return nil, ErrNotFound
}

// PublishedScopes returns the names of the catalogue, sorted, for metadata.
func (a *Authority) PublishedScopes() []string {
	d := a.directory.Load()
	if d == nil || d.catalog.Load() == nil {
		return nil
	}
	return d.catalog.Load().names
}

// catalogue is the scope catalogue as the token path needs it.
type catalogue struct {
	names     []string          // sorted
	resource  map[string]string // by scope name
	resources map[string]bool   // every resource server that is named
}

func newCatalogue(scopes []Scope) *catalogue {
	c := &catalogue{resource: make(map[string]string, len(scopes)), resources: map[string]bool{}}
	for i := range scopes {
		c.names = append(c.names, scopes[i].Name)
		c.resource[scopes[i].Name] = scopes[i].Resource
		if scopes[i].Resource != "" {
			c.resources[scopes[i].Resource] = true
		}
	}
	slices.Sort(c.names)
	return c
}

// scopeSet is one combination of scopes, shared by all API keys that have it.
type scopeSet struct {
	names    []string // sorted
	resource []string // of each name: "" the environment's API, adminResource, or a URL
	whole    []scopeGroup
}

// scopeGroup is the scopes of one resource server, as they stand in a token.
type scopeGroup struct{ resource, scope string }

func newScopeSet(text string, c *catalogue) *scopeSet {
	s := &scopeSet{names: strings.Fields(text)}
	for _, name := range s.names {
		resource := c.resource[name]
		if ManagementScope(name) {
			resource = adminResource
		}
		s.resource = append(s.resource, resource)
		i := slices.IndexFunc(s.whole, func(g scopeGroup) bool { return g.resource == resource })
		if i < 0 {
			s.whole = append(s.whole, scopeGroup{resource, name})
		} else {
			s.whole[i].scope += " " + name
		}
	}
	return s
}

// all returns every scope of the set for resource, "" for none.
func (s *scopeSet) all(resource string) string {
	for i := range s.whole {
		if s.whole[i].resource == resource {
			return s.whole[i].scope
		}
	}
	return ""
}
