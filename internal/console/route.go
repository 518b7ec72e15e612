package console

import (
	"net/http"
	"slices"
)

// Level is who may ask for a page, before scopes are looked at.
type Level int

// The levels.
const (
	Anybody  Level = iota // signed in or not
	HalfWay               // whose second factor may be lacking
	SignedIn              // whoever it is
	Scoped                // who has the scope, at the merchant of the path, or on the platform
)

// Route is a page or a form, for whoever checks that none is forgotten.
type Route struct {
	Method string
	Path   string // below Root, a pattern of net/http's ServeMux
	Level  Level
	Scope  string // of Scoped
	// Fresh forms want it to be proven lately who it is (C-199).
	Fresh bool
}

type route struct {
	Route
	handle func(*Console, *visit) error
	long   bool // an export: it may take as long as whoever reads it
}

// Routes returns every page and form.
func Routes() []Route {
	list := make([]Route, len(routes))
	for i := range routes {
		list[i] = routes[i].Route
	}
	return list
}

func show(path string, level Level, handle func(*Console, *visit) error) route {
	return route{Route: Route{Method: http.MethodGet, Path: path, Level: level}, handle: handle}
}

func send(path string, level Level, handle func(*Console, *visit) error) route {
	return route{Route: Route{Method: http.MethodPost, Path: path, Level: level}, handle: handle}
}

// page shows what a scope lets see.
func page(path, scope string, handle func(*Console, *visit) error) route {
	return route{Route: Route{Method: http.MethodGet, Path: path, Level: Scoped, Scope: scope}, handle: handle}
}

// form changes what a scope lets change, for whoever has proven lately who it is.
func form(path, scope string, handle func(*Console, *visit) error) route {
	return route{Route: Route{Method: http.MethodPost, Path: path, Level: Scoped, Scope: scope, Fresh: true}, handle: handle}
}

// urgent is a form that only takes power away: it must not wait.
func urgent(r route) route {
	r.Fresh = false
	return r
}

// own is a form of what is the visitor's own, for whoever has proven lately who it
// is.
func own(path string, handle func(*Console, *visit) error) route {
	return route{Route: Route{Method: http.MethodPost, Path: path, Level: SignedIn, Fresh: true}, handle: handle}
}

// export is a page that is a file of any length.
func export(r route) route {
	r.long = true
	return r
}

// routes are all pages and forms; each file has its own.
var routes = slices.Concat(
	entryRoutes,
	accountRoutes,
	ssoRoutes,
	apiKeyRoutes,
	startRoutes,
	userRoutes,
	merchantRoutes,
	scopeRoutes,
	signingKeyRoutes,
	usageRoutes,
	eventRoutes,
	systemRoutes,
)

// entryRoutes are for coming in and going out.
var entryRoutes = []route{
	show("", SignedIn, (*Console).home),
	show("/sign-in", Anybody, (*Console).showSignIn),
	send("/sign-in", Anybody, (*Console).signIn),
	send("/code", HalfWay, (*Console).giveCode),
	send("/sign-out", HalfWay, (*Console).signOut),
	show("/link", Anybody, (*Console).showLink),
	send("/link", Anybody, (*Console).useLink),
}
