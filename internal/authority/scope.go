package authority

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Scope is a permission of the catalogue.
type Scope struct {
	Name        string // collection, colon, level: customers:read
	Description string
	// Resource is the resource server the scope is for, as a URL; "" is the
	// API of whatever environment the API key belongs to.
	Resource  string
	CreatedAt time.Time
}

// adminResource marks the management scopes: their resource server is our own
// admin API, at a URL that depends on the installation. No URL looks like it.
const adminResource = "/admin"

// managementScopes are built in. A collection named here cannot be in the catalogue.
var managementScopes = map[string]string{
	"merchants": "read write delete", "scopes": "read write delete", "api-keys": "read write delete",
	"signing-keys": "read write delete", "users": "read write delete",
	"events": "read", "usage": "read", "tokens": "introspect",
}

// ManagementScope tells whether name is one of the built-in scopes of the admin API.
func ManagementScope(name string) bool {
	collection, level, _ := strings.Cut(name, ":")
	levels, ok := managementScopes[collection]
	return ok && slices.Contains(strings.Fields(levels), level)
}

// MerchantsMayHold tells whether the API key of a merchant may hold a management
// scope.
func MerchantsMayHold(name string) bool {
	return name == APIKeysRead || name == APIKeysWrite || name == APIKeysDelete
}

// ManagementScopes returns the scopes of the admin API, sorted.
func ManagementScopes() (names []string) {
	for collection, levels := range managementScopes {
		for _, level := range strings.Fields(levels) {
			names = append(names, collection+":"+level)
		}
	}
	slices.Sort(names)
	return names
}

const (
	maxScopesPerKey   = 100
	maxScopeText      = 2048 // bytes, joined: keeps tokens within what proxies take as a header
	maxScopeNameBytes = 64
)

// ParseScopes reads a scope string by the grammar of RFC 6749 3.3: names of
// printable ASCII without " and \, parted by single spaces. Nothing is
// normalised (C-069).
func ParseScopes(text string) ([]string, error) {
	if len(text) > maxScopeText {
		return nil, invalid("scope", "is longer than %d bytes", maxScopeText)
	}
	names := strings.Split(text, " ")
	if len(names) > maxScopesPerKey {
		return nil, invalid("scope", "has more than %d names", maxScopesPerKey)
	}
	for _, name := range names {
		if name == "" {
			return nil, invalid("scope", "is not names parted by single spaces")
		}
		for i := range len(name) {
			if c := name[i]; c <= 0x20 || c > 0x7e || c == '"' || c == '\\' {
				return nil, invalid("scope", "has a character that is not allowed in a scope")
			}
		}
	}
	return names, nil
}

// CreateScope adds a scope to the catalogue; ErrExists where it is there.
func (a *Authority) CreateScope(ctx context.Context, actor Actor, s Scope) (*Scope, error) {
	if err := actor.May(ScopesWrite); err != nil {
		return nil, err
	}
	if err := checkScopeName(s.Name); err != nil {
		return nil, err
	}
	if err := checkText("description", s.Description, 1000); err != nil {
		return nil, err
	}
	if s.Resource != "" {
		if err := CheckURL(s.Resource); err != nil {
			return nil, invalid("resource", "is no URL of a resource server: %s", err)
		}
	}
	s.CreatedAt = a.now()
	d := a.draft(actor, ScopeCreated, s.Name, details{"description": s.Description, "resource": s.Resource})
	if err := a.reply(actor, d, nil, &s); err != nil {
		return nil, err
	}
	if err := a.store.CreateScope(ctx, &s, d); err != nil {
		return nil, fmt.Errorf("creating scope %s: %w", s.Name, err)
	}
	return &s, a.catchUp(ctx)
}

func checkScopeName(name string) error {
	collection, level, ok := strings.Cut(name, ":")
	part := func(s string) bool {
		return s != "" && s[0] >= 'a' && s[0] <= 'z' && !strings.ContainsFunc(s, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
		})
	}
	if !ok || len(name) > maxScopeNameBytes || !part(collection) || !part(level) {
		return invalid("name", "is not a collection, a colon and a level, as in customers:read (lower-case letters, digits, - and _; %d characters at most)", maxScopeNameBytes)
	}
	if _, reserved := managementScopes[collection]; reserved {
		return invalid("name", "uses the collection %s, which belongs to the admin API", collection)
	}
	return nil
}

// Scopes returns the catalogue in the order of names.
func (a *Authority) Scopes(ctx context.Context, actor Actor) ([]Scope, error) {
	if err := actor.May(ScopesRead); err != nil {
		return nil, err
	}
	list, err := a.store.Scopes(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading scopes: %w", err)
	}
	return list, nil
}

// DeleteScope removes a scope from the catalogue; ErrScopeInUse while an API
// key holds it.
func (a *Authority) DeleteScope(ctx context.Context, actor Actor, name string) error {
	if err := actor.May(ScopesDelete); err != nil {
		return err
	}
	if err := a.store.DeleteScope(ctx, name, a.draft(actor, ScopeDeleted, name, nil)); err != nil {
		return fmt.Errorf("deleting scope %s: %w", name, err)
	}
	return a.catchUp(ctx)
}

// checkKeyScopes sorts the scopes of an API key and checks what needs no
// catalogue: merchants' keys hold no management scopes but those for API keys,
// operator keys hold nothing else.
func checkKeyScopes(scopes []string, operator bool) ([]string, error) {
	scopes = append([]string{}, scopes...) // none is [] in JSON, not null
	slices.Sort(scopes)
	scopes = slices.Compact(scopes)
	if _, err := ParseScopes(strings.Join(scopes, " ")); len(scopes) > 0 && err != nil {
		return nil, err
	}
	for _, name := range scopes {
		management := ManagementScope(name)
		if operator && !management {
			return nil, invalid("scopes", "has %q, which is no scope of the admin API; an operator key holds no others", name)
		}
		if !operator && management && !MerchantsMayHold(name) {
			return nil, invalid("scopes", "has %q, which only operator keys may hold", name)
		}
	}
	return scopes, nil
}
