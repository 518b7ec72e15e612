package forwardauth

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/tokenwright/tokenwright/verify"
)

// Policy is what a token must be for a gateway to let its request pass.
type Policy struct {
	Env      string   // its environment
	Scopes   []string // it has each of them; without any nothing passes
	Merchant string   // its merchant; "" is any
}

// platform is the reserved environment of operator keys, whose tokens are for no
// merchant's API.
const platform = "platform"

// ValidName tells whether a policy may have that name.
func ValidName(name string) bool {
	const more = "abcdefghijklmnopqrstuvwxyz0123456789_-"
	return name != "" && len(name) <= 64 && strings.Trim(name, more) == "" && name[0] != '_' && name[0] != '-'
}

// check is a policy made ready.
type check struct {
	name   string // "" where the query says it
	policy Policy
	scopes verify.Rule
}

func newCheck(name string, p Policy) *check { return &check{name, p, verify.Require(p.Scopes...)} }

// judge is a verify.Rule.
func (c *check) judge(r *http.Request, claims *verify.Claims) *verify.Refusal {
	merchant := claims.MerchantID.Text
	switch {
	case claims.Env != c.policy.Env || claims.Env == platform: // C-110
		return forbid(reasonEnvironment, "The access token is of another environment.")
	case merchant == "":
		return forbid(reasonOperator, "The access token is for no merchant.")
	case c.policy.Merchant != "" && merchant != c.policy.Merchant: // C-110
		return forbid(reasonMerchant, "The access token is not for this merchant.")
	}
	return c.scopes(r, claims)
}

func forbid(why reason, message string) *verify.Refusal {
	f := verify.Forbid(message)
	f.Err = why
	return f
}

// fault is what is wrong with how a gateway asks. Its text is logged, so it quotes
// nothing that was sent.
type fault struct {
	reason  reason
	problem string
	policy  string // that was asked for, where it may be logged
}

// Error implements error.
func (f *fault) Error() string { return f.problem }

var errEnvironment = &fault{reason: reasonUnknownEnvironment, problem: "there is no such environment"}

// maxLogged is how long a name may be that is unknown and yet logged: secrets and
// tokens are longer.
const maxLogged = 40

func unknownPolicy(name string) error {
	f := &fault{reason: reasonUnknownPolicy, problem: "there is no such policy"}
	if ValidName(name) && len(name) <= maxLogged {
		f.policy = name
	}
	return f
}

// checkOfQuery reads a policy strictly: a gateway writes it once, so whatever is
// odd is a mistake or somebody else's doing.
func checkOfQuery(query string) (*check, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, queryFault("it cannot be read")
	}
	parameters := map[string]string{}
	for _, name := range []string{"env", "scope", "merchant"} {
		list, given := values[name]
		delete(values, name)
		switch {
		case len(list) > 1:
			return nil, queryFault(name + " is given more than once")
		case given && list[0] == "":
			return nil, queryFault(name + " is empty")
		case !given && name != "merchant":
			return nil, queryFault(name + " is missing")
		case given:
			parameters[name] = list[0]
		}
	}
	if len(values) > 0 {
		return nil, queryFault("there are other parameters than env, scope and merchant")
	}
	if !ValidEnvironment(parameters["env"]) {
		return nil, errEnvironment
	}
	scopes, ok := parseScopes(parameters["scope"])
	if !ok {
		return nil, queryFault("scope is not names parted by single spaces")
	}
	return newCheck("", Policy{Env: parameters["env"], Scopes: scopes, Merchant: parameters["merchant"]}), nil
}

func queryFault(problem string) error { return &fault{reason: reasonQuery, problem: problem} }

// ValidEnvironment tells whether tokens can be of an environment of that name. It
// lets no other text into the log.
func ValidEnvironment(name string) bool {
	const digits = "0123456789"
	const letters = "abcdefghijklmnopqrstuvwxyz"
	return name != "" && len(name) <= 16 && name != platform && strings.Trim(name, letters+digits) == "" && strings.Contains(letters, name[:1])
}

// parseScopes obeys RFC 6749 3.3.
func parseScopes(text string) ([]string, bool) {
	scopes := strings.Split(text, " ")
	for _, scope := range scopes {
		odd := func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }
		if scope == "" || strings.ContainsFunc(scope, odd) {
			return nil, false
		}
	}
	return scopes, true
}
