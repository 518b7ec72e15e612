package authority

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/fuzztest"
)

// scopeGrammar is RFC 6749 3.3, as a regular expression of its own.
var scopeGrammar = regexp.MustCompile(`\A[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*\z`)

// C-069, R-50: what is accepted is what the grammar says, within the bounds,
// and stands in the names as it was written.
func FuzzParseScopes(f *testing.F) {
	for _, seed := range []string{"", " ", "a", "a b", "a  b", " a", "a ", "customers:read customers:write", "a\tb", "a\nb", "a\x00", `a"`, `a\`, "~!#[]", "\x7f", "é", "\xff", "a\u00a0b"} {
		f.Add(seed)
	}
	f.Add(strings.Repeat("a ", maxScopesPerKey-1) + "a")
	f.Add(strings.Repeat("a ", maxScopesPerKey) + "a")
	f.Add(strings.Repeat("a", maxScopeText))
	f.Add(strings.Repeat("a", maxScopeText+1))
	f.Fuzz(func(t *testing.T, text string) {
		defer fuzztest.Bound(t)()
		names, err := ParseScopes(text)
		fits := len(text) <= maxScopeText && strings.Count(text, " ") < maxScopesPerKey
		if want := fits && scopeGrammar.MatchString(text); (err == nil) != want {
			t.Fatalf("%q: got %v, want it accepted: %v", text, err, want)
		}
		if err != nil {
			if names != nil || len(text) > 20 && strings.Contains(err.Error(), text) {
				t.Fatalf("%q: refused with %q, %v", text, names, err)
			}
			return
		}
		if strings.Join(names, " ") != text {
			t.Fatalf("%q is read as %q", text, names)
		}
	})
}

// C-065, C-067, C-070, C-071, R-50: granted is what was asked for and is held,
// of one resource server; if that is not all of it, nothing.
func FuzzChooseScopes(f *testing.F) {
	const customers = "customers:read customers:write"
	f.Add(customers, "customers:read", "", false)
	f.Add(customers, "customers:write customers:read customers:write", "", false)
	f.Add(customers, "customers", "", true)
	f.Add(customers+" reports:read", customers+" reports:read", "", false)
	f.Add(customers+" reports:read", "customers:read reports:read", "", false)
	f.Add(customers+" reports:read", "reports:read", "https://reports.example.com", true)
	f.Add("api-keys:read reports:read", "api-keys:read", adminResource, true)
	f.Add("a:b c:d", " a:b", "https://a", true)
	f.Add("", "a:b", "", false)
	f.Fuzz(func(t *testing.T, held, asked, resource string, named bool) {
		defer fuzztest.Bound(t)()
		holds := strings.Fields(held)
		slices.Sort(holds)
		holds = slices.Compact(holds)
		// Resources by the first letter: few, so that they meet.
		resourceOf := map[string]string{}
		var scopes []Scope
		for _, name := range holds {
			if resourceOf[name] = ""; ManagementScope(name) {
				resourceOf[name] = adminResource
			} else if name[0] == 'r' {
				resourceOf[name] = "https://reports.example.com"
			}
			scopes = append(scopes, Scope{Name: name, Resource: resourceOf[name]})
		}
		set := newScopeSet(strings.Join(holds, " "), newCatalogue(scopes))
		// As grant calls it: not named is the resource of the environment.
		if !named {
			resource = ""
		}
		chosen, granted, reason := set.choose(asked, resource, named)

		want := map[string]bool{}
		servers := map[string]bool{}
		allHeld := scopeGrammar.MatchString(asked)
		for name := range strings.SplitSeq(asked, " ") {
			allHeld = allHeld && slices.Contains(holds, name)
			want[name], servers[resourceOf[name]] = true, true
		}
		fits := len(asked) <= maxScopeText && strings.Count(asked, " ") < maxScopesPerKey
		grantable := fits && allHeld && len(servers) == 1 && (!named || servers[resource])
		if (reason == "") != grantable {
			t.Fatalf("of %q asked %q for %q: refused with %q, want it granted: %v", holds, asked, resource, reason, grantable)
		}
		if reason != "" {
			if chosen != "" || granted != "" {
				t.Fatalf("refused with %q and granted %q for %q", reason, granted, chosen)
			}
			return
		}
		if got := strings.Split(granted, " "); !slices.Equal(got, slices.Sorted(maps.Keys(want))) || !servers[chosen] {
			t.Fatalf("of %q asked %q: granted %q for %q", holds, asked, granted, chosen)
		}
	})
}
