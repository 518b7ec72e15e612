package console

import (
	"strings"
	"unicode/utf8"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// navItem is a link of the navigation.
type navItem struct{ Key, Path, Label string }

// MerchantNav is what there is of a merchant.
func (p *view) MerchantNav() []navItem {
	env := p.Env
	if env == "" {
		env = p.FirstEnv()
	}
	return []navItem{
		{"api-keys", "api-keys/" + env, "API keys"},
		{"start", "start", "First token"},
		{"users", "users", "Users"},
		{"usage", "usage", "Usage"},
		{"events", "events", "Events"},
	}
}

// PlatformNav is what operators have besides.
func (p *view) PlatformNav() []navItem {
	return []navItem{
		{"merchants", "merchants", "Merchants"},
		{"scopes", "scopes", "Scopes"},
		{"all-users", "users", "All users"},
		{"signing-keys", "signing-keys", "Signing keys"},
		{"all-usage", "usage", "All usage"},
		{"all-events", "events", "All events"},
		{"system", "system", "System"},
	}
}

// allOf names a page that there is of each merchant and of the whole platform.
func allOf(v *visit, what string) string {
	if v.merchant == nil {
		return "All " + what
	}
	return strings.ToUpper(what[:1]) + what[1:]
}

// FirstEnv is the environment that is shown where none was chosen.
func (p *view) FirstEnv() string { return p.Environments()[0].Name }

// maxSwitch is how many merchants the menu has; a user may belong to a hundred, all of
// whom are on the page of the account.
const maxSwitch = 10

// switchItem is a merchant that the visitor can go to.
type switchItem struct {
	ID      authority.MerchantID
	Name    string
	Current bool
}

// readSwitch reads the names of the merchants that the visitor belongs to, where
// there is one to go to; more says that there are others. The current one is always
// among them.
func (v *visit) readSwitch() (list []switchItem, more bool, err error) {
	if v.visitor == nil || v.visitor.User == nil || len(v.visitor.User.Memberships) == 0 || v.merchant != nil && len(v.visitor.User.Memberships) == 1 {
		return nil, false, nil
	}
	roles, err := v.console.rolesOf(v, v.visitor.User)
	for _, r := range roles {
		current := v.merchant != nil && v.merchant.ID == r.ID
		if current && len(list) == maxSwitch {
			list = list[:maxSwitch-1]
		}
		if len(list) < maxSwitch {
			list = append(list, switchItem{r.ID, r.Name, current})
		}
	}
	return list, len(roles) > len(list), err
}

// Who is the visitor's name.
func (p *view) Who() string {
	if p.Visitor.User == nil {
		return "Guest of the platform"
	}
	return p.Visitor.User.Name
}

// Initials are those of the visitor's name.
func (p *view) Initials() string {
	var out []rune
	for word := range strings.FieldsSeq(p.Who()) {
		if r, _ := utf8.DecodeRuneInString(word); len(out) < 2 {
			out = append(out, r)
		}
	}
	return strings.ToUpper(string(out))
}

// RoleName says what the visitor is here.
func (p *view) RoleName() string {
	switch {
	case p.Operator():
		return "Operator of the platform"
	case p.Merchant == nil:
		return ""
	case p.Visitor.User == nil:
		return "Administrator of " + p.Merchant.Name
	}
	for _, m := range p.Visitor.User.Memberships {
		if m.MerchantID == p.Merchant.ID {
			return map[account.Role]string{account.Administrator: "Administrator of ", account.Viewer: "Viewer of "}[m.Role] + p.Merchant.Name
		}
	}
	return ""
}
