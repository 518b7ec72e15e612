package oauthapi

import (
	"net/http"
	"strconv"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// refuse is the error of a request whose own text shows what is wrong with it.
type refuse string

// Error implements error.
func (r refuse) Error() string { return "refused: " + string(r) }

// The reasons that this package finds itself. With those of package authority
// they are what logs and metrics say; the table below turns them into answers.
const (
	reasonMethod        = "method"
	reasonQuery         = "query"
	reasonEncoding      = "content_encoding"
	reasonContentType   = "content_type"
	reasonTooLarge      = "too_large"
	reasonBody          = "body"
	reasonJSON          = "json"
	reasonJSONType      = "json_type"
	reasonJSONAsForm    = "json_as_form"
	reasonForm          = "form"
	reasonRepeated      = "repeated"
	reasonParameterCase = "parameter_case"
	reasonTwoHeaders    = "two_authorization_headers"
	reasonBasic         = "basic"
	reasonScheme        = "authorization_scheme"
	reasonTwoMethods    = "two_methods"
	reasonTwoIDs        = "two_client_ids"
	reasonAssertion     = "assertion"
	reasonNoGrantType   = "no_grant_type"
	reasonGrantType     = "grant_type"
	reasonNoCredentials = "no_credentials"
	reasonNoToken       = "no_token"
	reasonNotForm       = "not_form"
	reasonStore         = "store"
	reasonAfter         = "after"
	reasonWait          = "wait"
	reasonPolls         = "polls"
	reasonPollsHere     = "polls_of_address"
	reasonFailuresOfID  = "failures_of_client_id"
	reasonFailuresHere  = "failures_of_address"
	reasonNotFound      = "not_found"
	reasonStale         = "stale"
	reasonOverloaded    = "overloaded"
	reasonInternal      = "internal"
)

// Kind is one error code and everything that can cause it.
type Kind struct {
	Code    string // RFC 6749 5.2, RFC 8707 2
	Status  int
	Meaning string
	Causes  []Cause
}

// Cause is one error_description, with what to do about it.
type Cause struct {
	Description string // printable ASCII without " and \ (RFC 6749 5.2)
	Fix         string
	Status      int      // where it is not the Kind's
	Reasons     []string // what logs and metrics call it
	Proven      bool     // who is told has proven the right secret: no failure to count
}

func reasons(list ...authority.Reason) []string {
	out := make([]string, len(list))
	for i, r := range list {
		out[i] = string(r)
	}
	return out
}

// Errors is the whole table of errors, from which answers and documentation
// are made. prefix begins the credentials of the installation.
func Errors(prefix string) []Kind {
	id, secret := prefix+"c_", prefix+"s_"
	return []Kind{{
		Code: "invalid_client", Status: http.StatusUnauthorized,
		Meaning: "The client could not be authenticated.",
		Causes: []Cause{
			{
				Reasons:     reasons(authority.UnknownID, authority.WrongSecret, authority.SuspendedMerchant, authority.OtherAddress),
				Description: "Client authentication failed. Check client_id and client_secret; if both are right, the API key may have been deleted or its merchant suspended.",
				Fix:         "Compare the client ID with the one shown in the list of API keys, and use the secret made for it. An unknown ID, a wrong secret, a deleted API key, a suspended merchant and an address that may not ask are answered alike on purpose: the answer must not help anybody to guess.",
			},
			{
				Reasons:     []string{reasonNoCredentials},
				Description: "Client authentication is missing: send client_id and client_secret in the body, or as HTTP Basic credentials.",
				Fix:         "Send both members. An empty value counts as none.",
			},
			{
				Reasons:     []string{reasonScheme},
				Description: "The Authorization header is not HTTP Basic; the token endpoint takes no other scheme.",
				Fix:         "Remove the header and send the credentials in the body, or use Basic. A gateway in front may add a Bearer header of its own.",
			},
			{
				Reasons:     reasons(authority.IDForm),
				Description: "The client_id is not of the form " + id + "<environment>_<22 letters and digits>.",
				Fix:         "Copy the whole client ID again.",
			},
			{
				Reasons:     reasons(authority.SecretForm),
				Description: "The client_secret is not of the form " + secret + "<environment>_<49 letters and digits>; it may have been cut off.",
				Fix:         "Copy the whole secret again. It is shown only once: if it is lost, rotate it; the client ID stays.",
			},
			{
				Reasons:     reasons(authority.SecretChecksum),
				Description: "The client_secret was mistyped: its check digits do not fit.",
				Fix:         "Copy the secret instead of typing it.",
			},
			{
				Reasons:     reasons(authority.IDIsSecret, authority.SecretIsID),
				Description: "client_id and client_secret are in each other's place: an ID begins with " + id + ", a secret with " + secret + ".",
				Fix:         "Swap them. If the ID was logged somewhere by your side, what was logged is the secret: make a new one.",
			},
			{
				Reasons:     reasons(authority.IDPlaceholder, authority.SecretPlaceholder),
				Description: "client_id or client_secret is still a placeholder in angle brackets.",
				Fix:         "Put the values of your API key in the place of the placeholder, brackets included.",
			},
			{
				Reasons:     reasons(authority.IDBlanks, authority.SecretBlanks),
				Description: "client_id or client_secret has white space around it; credentials are taken exactly as sent.",
				Fix:         "Trim the value. A file or an environment variable often ends in a line break.",
			},
			{
				Reasons:     reasons(authority.IDQuotes, authority.SecretQuotes),
				Description: "client_id or client_secret has quotation marks around it; credentials are taken exactly as sent.",
				Fix:         "Remove the quotation marks inside the value; they often come from an environment file.",
			},
			{
				Reasons:     reasons(authority.IDOtherEnvironment),
				Description: "The client_id belongs to another environment than this endpoint: its environment stands between the underscores.",
				Fix:         "Ask the token endpoint of that environment, or the common one at `/oauth/token`.",
			},
			{
				Reasons:     reasons(authority.IDUnknownEnvironment),
				Description: "The client_id names an environment that does not exist here.",
				Fix:         "Check that the request goes to the server that the API key was made on.",
			},
			{
				Reasons:     reasons(authority.SecretOtherEnv),
				Description: "client_id and client_secret are of different environments.",
				Fix:         "Use the ID and the secret of one API key.",
			},
			{
				Reasons: reasons(authority.SecretExpired), Proven: true,
				Description: "The client_secret has expired.",
				Fix:         "Use the newer secret of the API key.",
			},
			{
				Reasons: reasons(authority.KeyExpired), Proven: true,
				Description: "The API key has expired.",
				Fix:         "Extend its expiry, or make a new API key.",
			},
			{
				Reasons: reasons(authority.KeyDisabled), Proven: true,
				Description: "The API key is disabled.",
				Fix:         "Enable it again, or use another one.",
			},
		},
	}, {
		Code: "invalid_request", Status: http.StatusBadRequest,
		Meaning: "The request is not a token request, or not one that has only one meaning.",
		Causes: []Cause{
			{
				Reasons:     []string{reasonNoGrantType},
				Description: "grant_type is missing; send grant_type=client_credentials.",
				Fix:         "Add the member. If it is there, check that the `Content-Type` fits the body.",
			},
			{
				Reasons:     []string{reasonContentType},
				Description: "The Content-Type must be application/json or application/x-www-form-urlencoded, in UTF-8.",
				Fix:         "Set the header. Many HTTP clients have an option that sends JSON with its content type.",
			},
			{
				Reasons:     []string{reasonJSON},
				Description: "The body is not one JSON object with each member once.",
				Fix:         "Check quotation marks and commas, and that no member stands twice, not even in another case.",
			},
			{
				Reasons:     []string{reasonJSONType},
				Description: "Every member of the JSON object must be a string.",
				Fix:         "Put quotation marks around the value; send several scopes as one string, parted by spaces.",
			},
			{
				Reasons:     []string{reasonJSONAsForm},
				Description: "The body looks like JSON, but the Content-Type says it is a form.",
				Fix:         "Send `Content-Type: application/json`. curl says form unless told otherwise with `-H`.",
			},
			{
				Reasons:     []string{reasonForm},
				Description: "The form cannot be decoded, or has too many parameters.",
				Fix:         "Percent-encode names and values as `application/x-www-form-urlencoded` in UTF-8.",
			},
			{
				Reasons:     []string{reasonRepeated},
				Description: "A parameter stands more than once.",
				Fix:         "Send each parameter once.",
			},
			{
				Reasons:     []string{reasonParameterCase},
				Description: "A parameter's name is written in another case; names are lower-case.",
				Fix:         "Write `grant_type`, `client_id`, `client_secret`, `scope` and `resource` in lower case.",
			},
			{
				Reasons:     []string{reasonQuery},
				Description: "The URL of the token endpoint has no query; parameters belong in the body.",
				Fix:         "Move the parameters into the body. If a secret was in the URL, it may stand in logs on the way: make a new one.",
			},
			{
				Reasons:     []string{reasonTwoMethods, reasonAssertion},
				Description: "Send the client credentials in one way only: in the body or as HTTP Basic. Client assertions are not supported.",
				Fix:         "Remove `client_secret` from the body, or the `Authorization` header.",
			},
			{
				Reasons:     []string{reasonTwoIDs},
				Description: "The client_id in the body is not the one in the Authorization header.",
				Fix:         "Leave it out of the body, or make both equal.",
			},
			{
				Reasons:     []string{reasonTwoHeaders},
				Description: "There is more than one Authorization header.",
				Fix:         "Send one. A gateway in front may add another.",
			},
			{
				Reasons:     []string{reasonBasic},
				Description: "The Authorization header holds no HTTP Basic credentials: base64 of ID, colon and secret, each form-urlencoded.",
				Fix:         "Let the HTTP client make the header from user name and password.",
			},
			{
				Reasons:     []string{reasonEncoding},
				Description: "The body must not be compressed.",
				Fix:         "Remove the `Content-Encoding` header and send the body as it is.",
			},
			{
				Reasons:     []string{reasonBody},
				Description: "The body could not be read to its end.",
				Fix:         "Send it again; check the `Content-Length`.",
			},
			{
				Reasons: []string{reasonTooLarge}, Status: http.StatusRequestEntityTooLarge,
				Description: "The body is larger than 64 KiB.",
				Fix:         "Send only the parameters of a token request.",
			},
			{
				Reasons: []string{reasonMethod}, Status: http.StatusMethodNotAllowed,
				Description: "This address does not take that method; the header Allow names those it takes.",
				Fix:         "Use POST to get, introspect or revoke a token, GET for keys, metadata and revocations.",
			},
			{
				Reasons: []string{reasonNotFound}, Status: http.StatusNotFound,
				Description: "There is no such signing key.",
				Fix:         "Read the JWKS for the keys there are.",
			},
			{
				Reasons:     []string{reasonNoToken},
				Description: "The parameter token is missing.",
				Fix:         "Send the access token as `token`, in the body.",
			},
			{
				Reasons:     []string{reasonNotForm},
				Description: "This endpoint takes application/x-www-form-urlencoded only.",
				Fix:         "Send a form, as RFC 7662 and RFC 7009 say.",
			},
			{
				Reasons:     []string{reasonAfter},
				Description: "after must be one whole number of at least 0: the seq of the feed that you have.",
				Fix:         "Leave it out to get the whole feed.",
			},
			{
				Reasons:     []string{reasonWait},
				Description: "wait must be one span of time from 0s to 30s, such as 30s, and goes with after.",
				Fix:         "Leave it out to be answered at once.",
			},
		},
	}, {
		Code: "unsupported_grant_type", Status: http.StatusBadRequest,
		Meaning: "The grant type is not one that this server knows.",
		Causes: []Cause{{
			Reasons:     []string{reasonGrantType},
			Description: "The only grant_type is client_credentials.",
			Fix:         "Send `grant_type=client_credentials`. There are no refresh tokens: ask for a new access token instead.",
		}},
	}, {
		Code: "invalid_scope", Status: http.StatusBadRequest,
		Meaning: "The scopes asked for cannot be given.",
		Causes: []Cause{
			{
				Reasons:     reasons(authority.ScopeForm),
				Description: "scope must be names parted by single spaces.",
				Fix:         "Remove commas, quotation marks and spaces at either end.",
			},
			{
				Reasons:     reasons(authority.ScopeNotHeld),
				Description: "The API key does not hold every scope that was asked for.",
				Fix:         "Ask for fewer, leave `scope` out to get all, or have the scope added to the API key. Scopes are compared letter by letter.",
			},
			{
				Reasons:     reasons(authority.ScopeNone),
				Description: "The API key has no scope for this audience.",
				Fix:         "Have scopes added to the API key, or name the `resource` that its scopes are for. A key without scopes can do nothing.",
			},
			{
				Reasons:     reasons(authority.ScopeTwoResource),
				Description: "The scopes are for different resources; a token has exactly one audience.",
				Fix:         "Ask for one token per resource.",
			},
			{
				Reasons:     reasons(authority.ScopeOther),
				Description: "A scope that was asked for is not for the named resource.",
				Fix:         "Leave `resource` out, or ask only for scopes of that resource.",
			},
		},
	}, {
		Code: "invalid_target", Status: http.StatusBadRequest,
		Meaning: "The resource asked for is unknown.",
		Causes: []Cause{{
			Reasons:     reasons(authority.ResourceUnknown),
			Description: "resource is not a resource of this environment.",
			Fix:         "Use the audience of the API exactly as documented, or leave `resource` out.",
		}},
	}, {
		Code: "temporarily_unavailable", Status: http.StatusServiceUnavailable,
		Meaning: "The server cannot answer just now; the request was not wrong.",
		Causes: []Cause{
			{
				Reasons:     []string{reasonStale},
				Description: "The authorization server has lost its database for too long. Try again after the time in Retry-After.",
				Fix:         "Keep using the access token you have while it lives, and try again with exponential backoff. Do not drop the credentials: nothing is known to be wrong with them.",
			},
			{
				Reasons:     []string{reasonOverloaded},
				Description: "The authorization server has more requests than it can answer in time. Try again after the time in Retry-After.",
				Fix:         "Keep using the access token you have while it lives, and try again with exponential backoff. Ask for a token once per process and keep it: most overloads are clients that ask for one with every call.",
			},
			{
				Reasons:     []string{reasonStore},
				Description: "The change could not be written to the database; nothing is known to have changed. Try again after the time in Retry-After.",
				Fix:         "Send the same request again: to revoke a token twice does no harm.",
			},
			{
				Reasons: reasons(authority.RateLimited), Status: http.StatusTooManyRequests,
				Description: "The API key has asked for too many tokens. Keep using the token that you have until it expires, and try again after the time in Retry-After.",
				Fix:         "Ask for a token once, keep it, and ask again shortly before `expires_in` has passed; share it between the requests and threads of a process. The headers `X-RateLimit-*` of each answer tell how many requests are left, and when the window ends.",
			},
			{
				Reasons: []string{reasonFailuresOfID, reasonFailuresHere}, Status: http.StatusTooManyRequests,
				Description: "Too many requests with wrong credentials, for this client_id or from this address. Check client_id and client_secret before trying again after the time in Retry-After.",
				Fix:         "Stop sending what was refused: that is counted too. Right credentials are accepted at any time, however many wrong ones were sent.",
			},
			{
				Reasons: []string{reasonPollsHere}, Status: http.StatusTooManyRequests,
				Description: "Too many requests from this address wait for revocations. Try again after the time in Retry-After.",
				Fix:         "Follow the feed once per process, not once per request; share it between processes of one machine if there are many.",
			},
			{
				Reasons:     []string{reasonPolls},
				Description: "Too many requests wait for revocations. Try again after the time in Retry-After.",
				Fix:         "Ask without `wait`, every few seconds, or run more nodes.",
			},
		},
	}, {
		Code: "server_error", Status: http.StatusInternalServerError,
		Meaning: "Something went wrong on our side.",
		Causes: []Cause{{
			Reasons:     []string{reasonInternal},
			Description: "An internal error. The header X-Request-Id names the request in our log.",
			Fix:         "Try again with exponential backoff; if it stays, report the `X-Request-Id`.",
		}},
	}}
}

// refusal is a finished answer.
type refusal struct {
	status int
	code   string
	body   []byte
	failed bool // authentication did, which is counted
}

// retryAfter is how long to wait before asking an unavailable server again, in seconds.
const retryAfter = "5"

func newRefusals(prefix, baseURL string) map[string]*refusal {
	byReason := map[string]*refusal{}
	for _, kind := range Errors(prefix) {
		for _, cause := range kind.Causes {
			status := kind.Status
			if cause.Status != 0 {
				status = cause.Status
			}
			// No text of the table needs escaping; a test holds that.
			body := `{"error":"` + kind.Code + `","error_description":"` + cause.Description +
				`","error_uri":"` + baseURL + `/docs/errors#` + kind.Code +
				`","code":"` + strconv.Itoa(status) + `","message":"` + cause.Description + `"}`
			answer := &refusal{status: status, code: kind.Code, body: []byte(body), failed: kind.Code == "invalid_client" && !cause.Proven}
			for _, reason := range cause.Reasons {
				byReason[reason] = answer
			}
		}
	}
	return byReason
}

// write sends the answer: what it holds depends on the reason alone.
func (f *refusal) write(w http.ResponseWriter) {
	noStore(w)
	h := w.Header()
	switch f.status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Basic realm="tokenwright"`) // RFC 6749 5.2, RFC 9110 15.5.2
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		if h["Retry-After"] == nil { // a limit knows better
			h.Set("Retry-After", retryAfter)
		}
	}
	writeJSON(w, f.status, f.body)
}
