package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tokenwright/tokenwright/internal/authority"
)

var scopeRoutes = []route{
	page("/scopes", authority.ScopesRead, (*Console).listScopes),
	page("/scopes/new", authority.ScopesWrite, (*Console).newScope),
	form("/scopes/new", authority.ScopesWrite, (*Console).createScope),
	page("/scopes/{scope}", authority.ScopesRead, (*Console).showScope),
	form("/scopes/{scope}/delete", authority.ScopesDelete, (*Console).deleteScope),
}

// scopeList is the catalogue.
type scopeList struct {
	Collections []collection
	BuiltIn     []string
}

// collection is the scopes before whose colon the same stands.
type collection struct {
	Name   string
	Scopes []authority.Scope
}

func (c *Console) listScopes(v *visit) error {
	list, err := c.Authority.Scopes(v.Request.Context(), v.actor)
	if err != nil {
		return err
	}
	p := scopeList{BuiltIn: authority.ManagementScopes()}
	for _, s := range list {
		name, _, _ := strings.Cut(s.Name, ":")
		if n := len(p.Collections); n == 0 || p.Collections[n-1].Name != name {
			p.Collections = append(p.Collections, collection{Name: name})
		}
		last := &p.Collections[len(p.Collections)-1]
		last.Scopes = append(last.Scopes, s)
	}
	for _, collection := range p.Collections {
		slices.SortStableFunc(collection.Scopes, func(a, b authority.Scope) int { return levelOrder(a.Name) - levelOrder(b.Name) })
	}
	return v.render(http.StatusOK, "scopes", view{Title: "Scopes", Nav: "scopes", Data: p})
}

// scopeForm is what somebody types of a scope.
type scopeForm struct {
	Name, Description, Resource string
	Errors                      map[string]string
}

func (c *Console) newScope(v *visit) error { return c.askForScope(v, http.StatusOK, scopeForm{}) }

func (c *Console) askForScope(v *visit, status int, f scopeForm) error {
	return v.render(status, "scope-new", view{Title: "Create scope", Nav: "scopes", Data: f})
}

func (c *Console) createScope(v *visit) error {
	f := scopeForm{Name: v.form.Get("name"), Description: v.form.Get("description"), Resource: v.form.Get("resource")}
	_, err := c.Authority.CreateScope(v.Request.Context(), v.actor, authority.Scope{Name: f.Name, Description: f.Description, Resource: f.Resource})
	if err == nil {
		return v.redirect(Root + "/scopes?done=scope-created")
	}
	var ok bool
	if f.Errors, ok = fieldErrors(err); ok {
		return c.askForScope(v, http.StatusBadRequest, f)
	}
	if errors.Is(err, authority.ErrExists) {
		f.Errors = map[string]string{"name": "This scope is in the catalogue already."}
		return c.askForScope(v, http.StatusConflict, f)
	}
	return err
}

// scopePage is one scope.
type scopePage struct {
	authority.Scope
	Path   string
	InUse  bool // it was to be deleted, and API keys hold it
	Delete typed
}

func (c *Console) showScope(v *visit) error { return c.scopePage(v, http.StatusOK, nil) }

func (c *Console) scopePage(v *visit, status int, change func(*scopePage)) error {
	list, err := c.Authority.Scopes(v.Request.Context(), v.actor)
	if err != nil {
		return err
	}
	for _, s := range list {
		if s.Name == v.Request.PathValue("scope") {
			p := scopePage{Scope: s, Path: Root + "/scopes/" + url.PathEscape(s.Name), Delete: typed{ID: "delete-word", Word: s.Name}}
			if change != nil {
				change(&p)
			}
			return v.render(status, "scope", view{Title: s.Name, Nav: "scopes", Data: p})
		}
	}
	return authority.ErrNotFound
}

func (c *Console) deleteScope(v *visit) error {
	t := typed{ID: "delete-word", Word: v.Request.PathValue("scope")}
	if !t.check(v) {
		return c.scopePage(v, http.StatusBadRequest, func(p *scopePage) { p.Delete = t })
	}
	err := c.Authority.DeleteScope(v.Request.Context(), v.actor, t.Word)
	if errors.Is(err, authority.ErrScopeInUse) {
		return c.scopePage(v, http.StatusConflict, func(p *scopePage) { p.InUse = true })
	}
	if err != nil {
		return err
	}
	return v.redirect(Root + "/scopes?done=scope-deleted")
}
