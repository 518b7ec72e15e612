package adminapi

import (
	"slices"
	"strings"

	"github.com/tokenwright/tokenwright/internal/authority"
)

func (a *API) listScopes(r *request) (any, error) {
	return listOf(r, func(after string, limit int) ([]authority.Scope, error) {
		all, err := a.authority.Scopes(r.Context(), r.actor)
		from, found := slices.BinarySearchFunc(all, after, func(s authority.Scope, name string) int { return strings.Compare(s.Name, name) })
		if found {
			from++
		}
		return all[from:min(from+limit, len(all))], err
	}, func(s *authority.Scope) string { return s.Name }, a.wire.scope)
}

func (a *API) createScope(r *request) (any, error) {
	s := authority.Scope{Name: r.body.string("name"), Description: r.body.string("description"), Resource: r.body.string("resource")}
	if err := r.checkInput(); err != nil {
		return nil, err
	}
	return a.authority.CreateScope(r.Context(), r.actor, s)
}

func (a *API) deleteScope(r *request) (any, error) {
	if err := r.checkInput(); err != nil {
		return nil, err
	}
	return nil, a.authority.DeleteScope(r.Context(), r.actor, r.PathValue("name"))
}
