package timing

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

const (
	password = "theremin-oboe-figs-47" // of the one user who has one
	withOne  = 900_000                 // the number in that user's e-mail address
	without  = 500_000                 // those of users without one begin here

	// free is how often a user is tried before the next try must wait.
	free = 4
)

// signInsThatMustNotTell are of nobody's e-mail address, or of somebody's with
// the wrong password, or with no password at all. Failures of an address are
// counted, so nobody is tried often: he who signs in, which is the control,
// has his forgotten.
func signInsThatMustNotTell(t *testing.T, s *harness.Server, _ harness.APIKey) []*kind {
	t.Helper()
	s.SetUp(t, address(withOne), password)
	tries := measured()
	for n := range (tries + tries/4 + free - 1) / free {
		s.CLI(t, "user", "create", "--email", address(without+n), "--name", "Somebody", "--role", "4259=viewer")
	}
	guess := "trumpet-oboe-figs-4711"[:len(password)]
	refused := http.StatusUnauthorized
	return []*kind{
		{name: "an unknown address", request: signIn(s, guess, func(n int) int { return n }), status: refused},
		{name: "a wrong password", request: signIn(s, guess, func(int) int { return withOne }), status: refused},
		{name: "a user without a password", request: signIn(s, guess, func(n int) int { return without + n/free }), status: refused},
		{name: "the right password", control: true, request: signIn(s, password, func(int) int { return withOne }), status: http.StatusSeeOther},
	}
}

func address(n int) string { return fmt.Sprintf("somebody-%06d@example.com", n) }

// signIn sends the form of somebody, each time from another address, for one
// address may send a few alone.
func signIn(s *harness.Server, password string, who func(n int) int) func(int) []byte {
	return func(n int) []byte {
		headers := fmt.Sprintf("Origin: %s\r\nX-Forwarded-For: 10.0.%d.%d\r\n", s.URL, 100+n/100%100, 100+n%100)
		form := url.Values{"email": {address(who(n))}, "password": {password}}
		return post(s, "/console/sign-in", headers, form.Encode())
	}
}
