// Package docs owns the documentation that the product serves: guides for those
// who write applications, APIs or operate an installation, the reference of the
// API, the JWT debugger, the index of all pages for programs (llms.txt), and the
// OpenAPI document. It is Markdown and HTML that is embedded, with the values of
// the installation written in, and rendered when it is first asked for.
//
// It must not know any other surface, nor the domain: what it says about errors,
// configuration and commands is in its pages, and tests beside those hold it to
// what they do.
package docs

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/tokenwright/tokenwright/internal/web"
)

// Environment is one issuer of the installation.
type Environment struct {
	Name      string // what credentials and the claim env say: [a-z0-9]+
	Issuer    string // the claim iss, and the URL below which its endpoints are
	Audience  string // the claim aud of tokens for the environment's API
	Algorithm string // that signs its tokens
}

// Metadata is the address of the metadata: the well-known part stands between
// host and path (RFC 8414 3.1).
func (e Environment) Metadata() string {
	scheme, rest, _ := strings.Cut(e.Issuer, "://")
	host, path, found := strings.Cut(rest, "/")
	if found {
		path = "/" + path
	}
	return scheme + "://" + host + "/.well-known/oauth-authorization-server" + path
}

// below tells whether the environment is reached below the base URL, rather than at a
// host of its own.
func (e Environment) below(base string) bool { return e.Issuer == base+"/"+e.Name }

// Config is what the pages are filled with.
type Config struct {
	// BaseURL is where the installation is reached, without a slash at the end.
	// It is written into every sample.
	BaseURL string
	// Environments are listed in this order; samples show the first. At least
	// one. The environment platform does not belong here, but below.
	Environments []Environment
	// Platform is the issuer of operator keys, for the JWT debugger. The zero value
	// leaves it out.
	Platform Environment
	// Prefix begins client IDs and secrets. "" is tw.
	Prefix string
}

// Site is the documentation. Make it with New.
type Site struct {
	config  Config
	pages   []*page
	byName  map[string]*page
	fill    filling
	assets  *web.Assets
	answers map[string]http.Handler // by path

	// OpenAPI's document is read when it is first asked for.
	document  func() (*yaml.Node, error)
	reference func() (*model, error)
}

// New reads the pages, or says what is wrong with the configuration. Nothing is
// rendered yet: most servers are never asked.
func New(c Config) (*Site, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("making the documentation: %w", err)
	}
	s := &Site{config: c, fill: c.filling(), assets: web.New("/docs/static"), answers: map[string]http.Handler{}}
	s.document = sync.OnceValues(func() (*yaml.Node, error) { return readOpenAPI(c) })
	s.reference = sync.OnceValues(func() (*model, error) {
		root, err := s.document()
		if err != nil {
			return nil, err
		}
		return newModel(root)
	})
	if err := s.readPages(); err != nil {
		return nil, err
	}
	const html, markdown, text = "text/html; charset=utf-8", "text/markdown; charset=utf-8", "text/plain; charset=utf-8"
	for _, p := range s.pages {
		s.answers[p.Path] = newAnswer(html, s.policy(p), func() ([]byte, error) { return s.html(p) })
		made := newAnswer(markdown, closed, func() ([]byte, error) { return s.markdown(p) })
		s.answers[p.MarkdownPath()], s.answers[p.Path+".md"] = made, made // of the home page these are two
	}
	for _, name := range drawings() {
		s.answers["/docs/"+name] = newAnswer("image/svg+xml", closed, func() ([]byte, error) { return content.ReadFile("content/" + name) })
	}
	s.answers["/llms.txt"] = newAnswer(text, closed, s.index)
	s.answers["/llms-full.txt"] = newAnswer(text, closed, s.whole)
	s.answers["/docs/search.json"] = newAnswer("application/json", closed, s.searchIndex)
	s.answers["/openapi.json"] = newAnswer("application/json", closed, func() ([]byte, error) {
		root, err := s.document()
		if err != nil {
			return nil, err
		}
		return openAPIDocument(root)
	})
	s.answers[explorer.Path] = newAnswer(html, s.explorerPolicy(), s.explorerHTML)
	return s, nil
}

// check refuses what is no address of an installation.
func (c *Config) check() error {
	if err := checkURL(c.BaseURL); err != nil {
		return fmt.Errorf("base URL %q: %w", c.BaseURL, err)
	}
	if len(c.Environments) == 0 {
		return errors.New("there is no environment")
	}
	for _, e := range c.issuers() {
		if e.Name == "" || strings.Trim(e.Name, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			return fmt.Errorf("environment %q: the name is not of the form [a-z0-9]+", e.Name)
		}
		if err := checkURL(e.Issuer); err != nil {
			return fmt.Errorf("issuer %q: %w", e.Issuer, err)
		}
	}
	return nil
}

// issuers are all that there are.
func (c *Config) issuers() []Environment {
	if c.Platform.Issuer == "" {
		return c.Environments
	}
	return append(slices.Clone(c.Environments), c.Platform)
}

func checkURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return err
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return errors.New("is no absolute http or https URL")
	case strings.ContainsAny(text, "?#"), strings.HasSuffix(text, "/"):
		return errors.New("has a query, a fragment or a slash at the end")
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("has a character other than printable ASCII")
	}
	return nil
}

// Register hands the literal path of each page to handle, the method of a mux,
// and /docs/ for paths that are no page.
func (s *Site) Register(handle func(pattern string, handler http.Handler)) {
	for path, a := range s.answers {
		handle(path, a)
	}
	s.assets.Register(handle)
	notFound := newAnswer("text/html; charset=utf-8", s.policy(&page{}), func() ([]byte, error) { return s.html(s.notFound()) })
	handle("/docs/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/docs/" || r.URL.Path == "/docs/"+home {
			setHeaders(w.Header(), closed)
			http.Redirect(w, r, "/docs", http.StatusPermanentRedirect)
			return
		}
		notFound.serveStatus(w, http.StatusNotFound)
	}))
}
