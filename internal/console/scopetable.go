package console

import (
	"slices"
	"strings"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// scopeTable is the catalogue as a form shows it: a row for each collection, a
// column for each level.
type scopeTable struct {
	Levels     []string
	Rows       []scopeRow
	Management []scopeBox // of API keys that manage others
}

// scopeRow is a collection of one API.
type scopeRow struct {
	Collection string
	Resource   string     // "" for the API of the environment
	Boxes      []scopeBox // in the order of the levels; the zero value for none
}

// scopeBox is a scope to choose.
type scopeBox struct {
	Name, Level, Description string
	Chosen                   bool
}

// usualLevels are those that most collections have, the weakest first.
var usualLevels = []string{"read", "write", "delete"}

// levelOrder is where among its collection a scope stands.
func levelOrder(scope string) int {
	_, level, _ := strings.Cut(scope, ":")
	if i := slices.Index(usualLevels, level); i >= 0 {
		return i
	}
	return len(usualLevels)
}

// newScopeTable makes the table; chosen are the scopes that are marked.
func newScopeTable(catalogue []authority.Scope, chosen []string) scopeTable {
	t := scopeTable{Levels: slices.Clone(usualLevels)}
	for i := range catalogue {
		if _, level, _ := strings.Cut(catalogue[i].Name, ":"); !slices.Contains(t.Levels, level) {
			t.Levels = append(t.Levels, level)
		}
	}
	for i := range catalogue {
		s := &catalogue[i]
		collection, level, _ := strings.Cut(s.Name, ":")
		row := t.row(collection, s.Resource)
		row.Boxes[slices.Index(t.Levels, level)] = scopeBox{s.Name, level, s.Description, slices.Contains(chosen, s.Name)}
	}
	for _, m := range managementBoxes {
		m.Chosen = slices.Contains(chosen, m.Name)
		t.Management = append(t.Management, m)
	}
	return t
}

// row returns the row of a collection, a new one where there is none.
func (t *scopeTable) row(collection, resource string) *scopeRow {
	for i := range t.Rows {
		if r := &t.Rows[i]; r.Collection == collection && r.Resource == resource {
			return r
		}
	}
	t.Rows = append(t.Rows, scopeRow{collection, resource, make([]scopeBox, len(t.Levels))})
	return &t.Rows[len(t.Rows)-1]
}

// managementBoxes are the scopes of the admin API that an API key of a merchant
// may hold.
var managementBoxes = []scopeBox{
	{Name: authority.APIKeysRead, Description: "List the API keys of this merchant and environment, and their use."},
	{Name: authority.APIKeysWrite, Description: "Create, change, rotate and disable API keys no stronger than itself."},
	{Name: authority.APIKeysDelete, Description: "Delete API keys and secrets for good."},
}
