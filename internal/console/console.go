// Package console is the pages for people: merchants' administrators and viewers
// make and manage API keys in them, operators run the platform. It reads forms,
// calls packages authority and account, and writes HTML.
//
// Who may do what is decided there; here is known only which scope a page is
// for, so that others are refused before anything is read. Everything works
// without script. It must not know SQL, nor any other surface.
package console

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/ratelimit"
	"github.com/tokenwright/tokenwright/internal/sso"
	"github.com/tokenwright/tokenwright/internal/web"
)

// Root is below which every page lies.
const Root = "/console"

// timeout is how long a request may take with what makes a change act on this
// node.
const timeout = 4500 * time.Millisecond

// Config is what the console needs.
type Config struct {
	Authority *authority.Authority
	Accounts  *account.Accounts
	// BaseURL is the origin of the installation, without a slash at the end. Forms
	// are taken from its pages alone.
	BaseURL string
	// Version of this release, as the system page shows it.
	Version string
	// Database is what the installation is kept in, as the system page shows it:
	// "SQLite"; "" for nothing.
	Database string
	// SingleSignOn are the providers that people can sign in at; none: with passwords
	// alone.
	SingleSignOn []*sso.Provider
	// Mail sends a message with a link to an address; nil: nobody does, and the
	// console says so.
	Mail func(ctx context.Context, to string, m Message) error
	// Registry takes the metrics; nil: nobody reads them.
	Registry prometheus.Registerer
}

// Message is a mail to somebody who may not be a user yet.
type Message struct {
	Subject string
	Text    string // lines of plain text
}

// Console serves the pages of one installation.
type Console struct {
	Config
	assets    *web.Assets
	pages     pages
	shown     *http.ServeMux // knows the paths of pages, and answers none
	origin    *http.CrossOriginProtection
	signIns   *ratelimit.Policy
	addresses *ratelimit.Sketch      // of forms and answers, for signIns
	tries     *prometheus.CounterVec // to prove who it is, by outcome

	verifyPiece int // how many events one request verifies
}

// New returns the console.
func New(c Config) (*Console, error) {
	console := &Console{Config: c, assets: web.New(Root + "/static"), shown: http.NewServeMux(), origin: http.NewCrossOriginProtection(),
		signIns: newSignInPolicy(), addresses: ratelimit.NewSketch(addressCells, signInWindow), tries: newSignIns(c.Registry), verifyPiece: verifyPiece}
	for i := range routes {
		if routes[i].Method == http.MethodGet {
			console.shown.Handle(Root+routes[i].Path, http.NotFoundHandler())
		}
	}
	var err error
	console.pages, err = console.parsePages()
	return console, err
}

// Register hands the pages to handle, the method of a mux.
func (c *Console) Register(handle func(pattern string, handler http.Handler)) {
	byPath := map[string][]*route{}
	for i := range routes {
		byPath[routes[i].Path] = append(byPath[routes[i].Path], &routes[i])
	}
	for path, list := range byPath {
		handle(Root+path, c.methods(list))
	}
	get := func(answer func(*Console, *visit) error) http.Handler {
		return c.methods([]*route{{Route: Route{Method: http.MethodGet}, handle: answer}})
	}
	handle(Root+"/{$}", get(func(_ *Console, v *visit) error { return v.redirect(Root) }))
	handle(Root+"/", get((*Console).unknown))
	c.assets.Register(handle)
}

// methods is a path: one handler for each of its methods. HEAD is GET without
// the page.
func (c *Console) methods(list []*route) http.Handler {
	var allowed []string
	for _, e := range list {
		allowed = append(allowed, e.Method)
		if e.Method == http.MethodGet {
			allowed = append(allowed, http.MethodHead)
		}
	}
	slices.Sort(allowed)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.setHeaders(w.Header())
		e, limit := routeFor(list, r.Method), timeout
		if e != nil && e.long {
			limit = exportTimeout
		}
		ctx, cancel := context.WithTimeout(r.Context(), limit)
		defer cancel()
		v := &visit{ResponseWriter: w, Request: r.WithContext(ctx), console: c, origin: originOf(w, r), route: e}
		if e != nil {
			v.fail(c.serve(v, e))
			return
		}
		w.Header().Set("Allow", strings.Join(allowed, ", ")) // RFC 9110 15.5.6
		v.fail(&refusal{http.StatusMethodNotAllowed, "This page takes " + strings.Join(allowed, ", ") + " and no other method."})
	})
}

// routeFor returns which of the routes of a path a method asks for, or nil.
func routeFor(list []*route, method string) *route {
	for _, e := range list {
		if e.Method == method || e.Method == http.MethodGet && method == http.MethodHead {
			return e
		}
	}
	return nil
}

// serve answers one request: who it is, whether the form is from one of our
// pages, what the path names, whether the visitor may; and then the page.
func (c *Console) serve(v *visit, e *route) error {
	defer v.noteVisitor()
	if !isText(v.Request.URL.Path) {
		return authority.ErrNotFound // an ID that nothing has
	}
	if !areText(v.Request.URL.Query()) {
		return &refusal{http.StatusBadRequest, "The address of this page holds what is no text."}
	}
	if err := v.identify(); err != nil {
		return err
	}
	if v.Request.Method == http.MethodPost {
		if err := v.readForm(); err != nil {
			return err
		}
	}
	if err := v.admit(e); err != nil {
		return err
	}
	if e.Fresh {
		if done, err := v.confirm(); done || err != nil {
			return err
		}
	}
	return e.handle(c, v)
}

func (c *Console) unknown(*visit) error { return authority.ErrNotFound }

// policy lets pages load and ask what is of their own origin, and nothing else: the
// token endpoint that the page of the first token asks is of it, whatever host an
// environment has.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"

// setHeaders sets what every page carries (C-210). Forms would come with
// "Origin: null" if pages sent no referrer at all.
func (c *Console) setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}
