package console

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// visit is one request, and what is known of it.
type visit struct {
	http.ResponseWriter
	Request *http.Request
	console *Console
	route   *route
	origin  account.Origin

	token   account.Token    // of the session; "" for none
	visitor *account.Visitor // nil where nobody has signed in
	form    url.Values       // of a POST

	// Of pages that are Scoped.
	actor    authority.Actor
	merchant *authority.Merchant // of the path; nil where it names none
	env      string              // of the path; "" where it names none
}

// maxForm is the size of a form at most, in bytes.
const maxForm = 64 << 10

// originOf is from where a request comes, as the server around us tells it.
func originOf(w http.ResponseWriter, r *http.Request) account.Origin {
	o := account.Origin{Agent: r.UserAgent(), RequestID: w.Header().Get("X-Request-Id")}
	if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		o.Address = from.Addr().Unmap().String()
	}
	return o
}

// note adds facts to the one log record of the request, where the server around
// us keeps one.
func (v *visit) note(attrs ...slog.Attr) {
	record, ok := v.ResponseWriter.(interface{ LogAttr(slog.Attr) })
	for i := 0; ok && i < len(attrs); i++ {
		record.LogAttr(attrs[i])
	}
}

// cookieName is that of the session. The prefix keeps other hosts and plain
// connections from setting it (C-205).
const cookieName = "__Host-tokenwright"

func (v *visit) setCookie(token account.Token) {
	http.SetCookie(v.ResponseWriter, &http.Cookie{Name: cookieName, Value: token.Reveal(), Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

func (v *visit) dropCookie() {
	http.SetCookie(v.ResponseWriter, &http.Cookie{Name: cookieName, Path: "/", MaxAge: -1, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// entered makes the request that of a session that has just begun or was renewed.
func (v *visit) entered(e *account.Entered) {
	v.setCookie(e.Token)
	v.token, v.visitor = e.Token, &e.Visitor
}

// identify finds out whose session it is. Two cookies of the name are none: who
// could set a second one chose which is taken.
func (v *visit) identify() error {
	cookies := v.Request.CookiesNamed(cookieName)
	if len(cookies) != 1 {
		return nil
	}
	token := account.Token(cookies[0].Value)
	visitor, err := v.console.Accounts.Visitor(v.Request.Context(), token)
	if errors.Is(err, account.ErrSession) {
		v.dropCookie()
		return nil
	}
	if err != nil {
		return err
	}
	v.token, v.visitor = token, visitor
	return nil
}

// noteVisitor tells who it was: by then, where the request has begun a session,
// in whose name it was answered.
func (v *visit) noteVisitor() {
	if v.visitor != nil {
		v.note(slog.String("actor", v.visitor.ActorID()), slog.String("session_id", v.visitor.ID))
	}
}

// crossSite refuses a form that is not from one of our pages.
var crossSite = &refusal{http.StatusForbidden, "This form was not sent from a page of this console. Open the page again, and send it from there."}

// readForm takes a form that one of our own pages has sent (C-209): the browser
// says so, and where there is a session the form has what only its pages know.
func (v *visit) readForm() error {
	r := v.Request
	from := r.Header.Get("Origin")
	if v.console.origin.Check(r) != nil || from != "" && from != v.console.BaseURL || from == "" && r.Header.Get("Sec-Fetch-Site") == "" {
		return crossSite
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return crossSite
	}
	r.Body = http.MaxBytesReader(v.ResponseWriter, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return &refusal{http.StatusRequestEntityTooLarge, "The form is too long."}
		}
		return &refusal{http.StatusBadRequest, "The form cannot be read."}
	}
	if v.form = r.PostForm; !areText(v.form) {
		return &refusal{http.StatusBadRequest, "The form holds what is no text."}
	}
	if v.visitor != nil && v.route.Level != Anybody {
		return v.ofSession()
	}
	return nil
}

// isText tells whether s is text, of which PostgreSQL takes no other to compare with.
func isText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

func areText(values url.Values) bool {
	for name, list := range values {
		if !isText(name) || slices.ContainsFunc(list, func(s string) bool { return !isText(s) }) {
			return false
		}
	}
	return true
}

// ofSession tells whether the form is from a page of this very session.
func (v *visit) ofSession() error {
	if hmac.Equal([]byte(v.form.Get("csrf")), []byte(v.csrf())) {
		return nil
	}
	return crossSite
}

// csrf is what forms of the session's pages have, and nobody else can know.
func (v *visit) csrf() string {
	if v.visitor == nil {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(v.token.Reveal()))
	mac.Write([]byte("csrf"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// admit tells whether the visitor may ask for the page, and reads what its path
// names. What does not exist for the visitor is not there (C-074).
func (v *visit) admit(e *route) error {
	switch {
	case e.Level == Anybody:
		return v.limit()
	case v.visitor == nil:
		return account.ErrSession
	case e.Level == HalfWay:
		return nil
	case v.visitor.Pending:
		return errPending
	case e.Level == SignedIn:
		return nil
	}
	id := authority.MerchantID(v.Request.PathValue("merchantId"))
	v.actor = v.visitor.Actor(v.origin, id)
	if len(v.actor.Permissions.Scopes) == 0 {
		return authority.ErrNotFound
	}
	if err := v.readPath(id); err != nil {
		return err
	}
	return v.actor.May(e.Scope)
}

// errPending says that the second factor is lacking.
var errPending = errors.New("the second factor is lacking")

// readPath reads the merchant and the environment that the path names.
func (v *visit) readPath(id authority.MerchantID) (err error) {
	if id != "" {
		if v.merchant, err = v.console.Authority.Merchant(v.Request.Context(), v.actor, id); err != nil {
			return err
		}
	}
	if v.env = v.Request.PathValue("env"); v.env != "" && !v.console.isEnvironment(v.env) {
		return authority.ErrNotFound
	}
	return nil
}

// isOperator tells whether the visitor, nil for nobody, runs the platform.
func isOperator(v *account.Visitor) bool { return v != nil && v.User != nil && v.User.Operator }

func (v *visit) isOperator() bool { return isOperator(v.visitor) }

// environments are those that merchants have API keys in.
func (c *Console) environments() (list []authority.Environment) {
	for _, env := range c.Authority.Environments() {
		if env.Name != authority.Platform {
			list = append(list, env)
		}
	}
	return list
}

func (c *Console) isEnvironment(name string) bool {
	for _, env := range c.environments() {
		if env.Name == name {
			return true
		}
	}
	return false
}

// redirect answers a form: the browser asks for the page (RFC 9110 15.4.4).
func (v *visit) redirect(path string) error {
	v.Header().Set("Location", path)
	v.WriteHeader(http.StatusSeeOther)
	return nil
}
