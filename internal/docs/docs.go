// Package docs owns the documentation that the product serves: the guide to
// getting an access token, the errors page, both as Markdown too, llms.txt, the
// style sheet, and the OpenAPI document. Everything is rendered once, from
// embedded files: by New, and the OpenAPI document when it is first asked for.
//
// It must not know any other surface, nor the domain: what it says about errors
// and environments is handed to it, so that it is what the handlers do.
package docs

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// ErrorKind is one row of the errors page. Rows with the same code become one
// section, in the order of their first.
type ErrorKind struct {
	Code    string  // the member error, and the anchor: "invalid_client" is /docs/errors#invalid_client. [a-z0-9_]+
	Status  int     // of the HTTP answer
	Meaning string  // one sentence; `code` between backticks, no other Markdown
	Causes  []Cause // what may have caused it; none: no table
}

// Cause is one text that an endpoint sends, and the way out.
type Cause struct {
	Description string // the error_description, as the endpoint sends it
	Fix         string // what to do; `code` between backticks, no other Markdown
}

// Environment is one issuer of the installation.
type Environment struct {
	Name      string // what credentials and the claim env say: [a-z0-9]+
	Issuer    string // the claim iss, and the URL below which its endpoints are
	Audience  string // the claim aud of tokens for the environment's API
	Algorithm string // that signs its tokens
}

// Config is what the pages are filled with.
type Config struct {
	// BaseURL is where the installation is reached, without a slash at the end.
	// It is written into every sample.
	BaseURL string
	// Environments are listed in this order; samples show the first. At least
	// one. The environment platform does not belong here.
	Environments []Environment
	// Errors are the sections of the errors page, in this order.
	Errors []ErrorKind
	// Prefix begins client IDs and secrets. "" is tw.
	Prefix string
}

// Site is the rendered documentation. Make it with New.
type Site struct {
	answers  map[string]http.Handler // by path
	notFound []byte
}

//go:embed content
var content embed.FS

// page is one page: content/<name>.md, served as Markdown at /docs/<name>.md.
type page struct {
	Name        string
	Path        string // of the HTML
	Title       string
	Description string // one sentence
}

// MarkdownPath is where the page answers as Markdown.
func (p page) MarkdownPath() string { return "/docs/" + p.Name + ".md" }

// New renders every page, or says what is wrong with the configuration.
func New(c Config) (*Site, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("making the documentation: %w", err)
	}
	pages := []page{
		{"get-a-token", "/docs", "Get an access token",
			"Exchange an API key for a short-lived access token, keep it fresh, and verify it."},
		{"errors", "/docs/errors", "Errors",
			"Every error of the token endpoint: what it means, what may have caused it, and what to do."},
	}
	s := &Site{answers: make(map[string]http.Handler)}
	r := renderer{config: c, pages: pages}
	for _, p := range pages {
		html, markdown, err := r.page(p)
		if err != nil {
			return nil, fmt.Errorf("rendering the page %s: %w", p.Name, err)
		}
		s.add(p.Path, "text/html; charset=utf-8", html)
		s.add(p.MarkdownPath(), "text/markdown; charset=utf-8", markdown)
	}
	llms, err := r.fill("llms.txt", page{}, true)
	if err != nil {
		return nil, fmt.Errorf("rendering llms.txt: %w", err)
	}
	s.add("/llms.txt", "text/plain; charset=utf-8", llms)
	for name, contentType := range map[string]string{"style.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"} {
		body, err := content.ReadFile("content/" + name)
		if err != nil {
			return nil, err
		}
		s.add("/docs/"+name, contentType, body)
	}
	s.answers["/openapi.json"] = newOpenAPI(c)
	s.notFound, _, err = r.page(page{Name: "not-found", Title: "There is no such page"})
	return s, err
}

func (s *Site) add(path, contentType string, body []byte) {
	s.answers[path] = newAnswer(contentType, body)
}

func newAnswer(contentType string, body []byte) *answer {
	sum := sha256.Sum256(body)
	return &answer{contentType, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, body}
}

// check refuses what could not be written into the samples. Odd characters are
// no such thing: they are escaped where they land.
func (c *Config) check() error {
	if err := checkURL(c.BaseURL); err != nil {
		return fmt.Errorf("base URL %q: %w", c.BaseURL, err)
	}
	if len(c.Environments) == 0 {
		return errors.New("there is no environment")
	}
	for _, e := range c.Environments {
		if !plain(e.Name) {
			return fmt.Errorf("environment %q: the name is not of the form [a-z0-9_]+", e.Name)
		}
		if err := checkURL(e.Issuer); err != nil {
			return fmt.Errorf("issuer %q: %w", e.Issuer, err)
		}
	}
	for _, k := range c.Errors {
		// No heading of the page itself has an anchor of this form, so none
		// can take that of an error.
		if !plain(k.Code) {
			return fmt.Errorf("error %q: the code is not of the form [a-z0-9_]+", k.Code)
		}
	}
	return nil
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

func plain(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// Register hands the literal path of each page to handle, the method of a mux,
// and /docs/ for paths that are no page.
func (s *Site) Register(handle func(pattern string, handler http.Handler)) {
	for path, a := range s.answers {
		handle(path, a)
	}
	handle("/docs/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header())
		if r.URL.Path == "/docs/" {
			http.Redirect(w, r, "/docs", http.StatusPermanentRedirect)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write(s.notFound)
	}))
}

// answer is one rendered file; it is its own handler.
type answer struct {
	contentType string
	etag        string
	body        []byte
}

// ServeHTTP answers GET and HEAD, and 304 to who has the body already.
func (a *answer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	setHeaders(h)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		h.Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusMethodNotAllowed)
		_, _ = w.Write([]byte(`{"code":"405","message":"This page only answers GET and HEAD. Repeat the request with GET."}` + "\n"))
		return
	}
	h.Set("Content-Type", a.contentType)
	h.Set("ETag", a.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.body))
}

// setHeaders sets what every answer carries (C-210). The pages are public, and
// debuggers in a browser may read them from any origin.
func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; "+
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cache-Control", "public, max-age=300")
}
