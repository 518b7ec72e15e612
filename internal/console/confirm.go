package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tokenwright/tokenwright/internal/sso"
)

// confirmPage asks for a proof of who it is, and has the form that waits for it.
type confirmPage struct {
	Message  string
	Action   string
	Fields   []field
	Password bool          // the visitor has one
	Portal   bool          // it came by a link of another product
	Next     string        // where to go on after single sign-on
	Provider *sso.Provider // that the session began at; nil for none
}

type field struct{ Name, Value string }

// confirmField is where the page has the password.
const confirmField = "confirm-password"

// confirm lets a form pass whose visitor has proven lately who it is (C-199), or
// proves it with the form. Otherwise it answers with a page that asks for the
// password and sends the form again, so that nothing has to be typed anew.
func (v *visit) confirm() (done bool, err error) {
	password := v.form.Get(confirmField)
	v.form.Del(confirmField)
	if v.visitor.RecentlyProven(v.console.Authority.Now()) {
		return false, nil
	}
	status, message := http.StatusForbidden, ""
	if password != "" {
		if status, message, err = v.prove(password); message == "" {
			return err != nil, err
		}
	}
	hasPassword, _, err := v.console.Accounts.Factors(v.Request.Context(), v.visitor)
	if err != nil {
		return true, err
	}
	return true, v.render(status, "confirm", view{Title: "Confirm that it is you", Data: confirmPage{
		Message: message, Action: v.Request.URL.RequestURI(), Fields: fieldsOf(v.form), Password: hasPassword,
		Portal: v.visitor.User == nil, Next: v.cameFrom(), Provider: v.ownProvider(),
	}})
}

// prove renews the session by the visitor's password. What people are told where
// that proves nothing is in message.
func (v *visit) prove(password string) (status int, message string, err error) {
	e, err := v.console.Accounts.Confirm(v.Request.Context(), v.origin, v.visitor, v.token, password)
	if err == nil {
		v.entered(e)
		return 0, "", nil
	}
	status, message, ok := v.tried(err, "This is not your password.")
	if ok {
		err = nil
	}
	return status, message, err
}

// fieldsOf are those of a form, in an order.
func fieldsOf(form url.Values) (list []field) {
	for name, values := range form {
		for _, value := range values {
			if name != "csrf" {
				list = append(list, field{name, value})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b field) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// cameFrom is the page that has sent the form, where the browser says so, and where it
// can be asked for: what a form is answered with may have an address that takes forms alone.
func (v *visit) cameFrom() string {
	next, _ := strings.CutPrefix(v.Request.Referer(), v.console.BaseURL)
	next = ownPath(next)
	u, err := url.Parse(next)
	if err != nil {
		return ""
	}
	if _, page := v.console.shown.Handler(&http.Request{Method: http.MethodGet, URL: u}); page == "" {
		return ""
	}
	return next
}
