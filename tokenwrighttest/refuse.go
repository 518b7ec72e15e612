package tokenwrighttest

import (
	"cmp"
	"io"
	"net/http"
	"strconv"

	"github.com/tokenwright/tokenwright/internal/credential"
)

// refusal is an answer that is an error (RFC 6749 5.2).
type refusal struct {
	status            int
	code, description string
}

// Error implements error.
func (r *refusal) Error() string { return r.code + ": " + r.description }

// The refusals of the product that do not depend on a database. Their texts are
// held equal to the product's by a test beside the real server.
var (
	unknownClient    = &refusal{401, "invalid_client", "Client authentication failed. Check client_id and client_secret; if both are right, the API key may have been deleted or its merchant suspended."}
	noCredentials    = &refusal{401, "invalid_client", "Client authentication is missing: send client_id and client_secret in the body, or as HTTP Basic credentials."}
	otherScheme      = &refusal{401, "invalid_client", "The Authorization header is not HTTP Basic; the token endpoint takes no other scheme."}
	idForm           = &refusal{401, "invalid_client", "The client_id is not of the form twc_<environment>_<22 letters and digits>."}
	secretForm       = &refusal{401, "invalid_client", "The client_secret is not of the form tws_<environment>_<49 letters and digits>; it may have been cut off."}
	mistyped         = &refusal{401, "invalid_client", "The client_secret was mistyped: its check digits do not fit."}
	swapped          = &refusal{401, "invalid_client", "client_id and client_secret are in each other's place: an ID begins with twc_, a secret with tws_."}
	placeholder      = &refusal{401, "invalid_client", "client_id or client_secret is still a placeholder in angle brackets."}
	blanks           = &refusal{401, "invalid_client", "client_id or client_secret has white space around it; credentials are taken exactly as sent."}
	quotes           = &refusal{401, "invalid_client", "client_id or client_secret has quotation marks around it; credentials are taken exactly as sent."}
	otherEnvironment = &refusal{401, "invalid_client", "The client_id belongs to another environment than this endpoint: its environment stands between the underscores."}
	twoEnvironments  = &refusal{401, "invalid_client", "client_id and client_secret are of different environments."}

	noGrantType      = &refusal{400, "invalid_request", "grant_type is missing; send grant_type=client_credentials."}
	otherContentType = &refusal{400, "invalid_request", "The Content-Type must be application/json or application/x-www-form-urlencoded, in UTF-8."}
	noJSON           = &refusal{400, "invalid_request", "The body is not one JSON object with each member once."}
	noString         = &refusal{400, "invalid_request", "Every member of the JSON object must be a string."}
	jsonAsForm       = &refusal{400, "invalid_request", "The body looks like JSON, but the Content-Type says it is a form."}
	noForm           = &refusal{400, "invalid_request", "The form cannot be decoded, or has too many parameters."}
	repeated         = &refusal{400, "invalid_request", "A parameter stands more than once."}
	otherCase        = &refusal{400, "invalid_request", "A parameter's name is written in another case; names are lower-case."}
	inQuery          = &refusal{400, "invalid_request", "The URL of the token endpoint has no query; parameters belong in the body."}
	twoMethods       = &refusal{400, "invalid_request", "Send the client credentials in one way only: in the body or as HTTP Basic. Client assertions are not supported."}
	twoIDs           = &refusal{400, "invalid_request", "The client_id in the body is not the one in the Authorization header."}
	twoHeaders       = &refusal{400, "invalid_request", "There is more than one Authorization header."}
	noBasic          = &refusal{400, "invalid_request", "The Authorization header holds no HTTP Basic credentials: base64 of ID, colon and secret, each form-urlencoded."}
	compressed       = &refusal{400, "invalid_request", "The body must not be compressed."}
	cutShort         = &refusal{400, "invalid_request", "The body could not be read to its end."}
	tooLarge         = &refusal{413, "invalid_request", "The body is larger than 64 KiB."}
	otherMethod      = &refusal{405, "invalid_request", "This address does not take that method; the header Allow names those it takes."}
	oddAfter         = &refusal{400, "invalid_request", "after must be one whole number of at least 0: the seq of the feed that you have."}
	oddWait          = &refusal{400, "invalid_request", "wait must be one span of time from 0s to 30s, such as 30s, and goes with after."}

	otherGrantType  = &refusal{400, "unsupported_grant_type", "The only grant_type is client_credentials."}
	oddScope        = &refusal{400, "invalid_scope", "scope must be names parted by single spaces."}
	scopeNotHeld    = &refusal{400, "invalid_scope", "The API key does not hold every scope that was asked for."}
	noScope         = &refusal{400, "invalid_scope", "The API key has no scope for this audience."}
	unknownResource = &refusal{400, "invalid_target", "resource is not a resource of this environment."}
)

func idProblem(err error) error {
	return cmp.Or(problems[err], idForm)
}

func secretProblem(err error) error {
	return cmp.Or(problems[err], secretForm)
}

// problems are those that client IDs and secrets share.
var problems = map[error]*refusal{
	credential.ErrPlaceholder: placeholder, credential.ErrBlanks: blanks, credential.ErrQuotes: quotes,
	credential.ErrSwapped: swapped, credential.ErrChecksum: mistyped,
}

// failure is what Fail answers with.
func failure(status int) *refusal {
	codes := map[int]string{
		http.StatusUnauthorized: "invalid_client", http.StatusTooManyRequests: "temporarily_unavailable",
		http.StatusServiceUnavailable: "temporarily_unavailable",
	}
	code, description := codes[status], "The test has this request fail."
	switch {
	case code == "" && status >= 500:
		code = "server_error"
	case code == "":
		code = "invalid_request"
	}
	return &refusal{status, code, description}
}

// write sends the answer, with the members of RFC 6749 5.2, and code and message.
func (r *refusal) write(w http.ResponseWriter, baseURL string) {
	h := w.Header()
	noStore(h)
	if r.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Basic realm="tokenwright"`) // RFC 6749 5.2, RFC 9110 15.5.2
	}
	h.Set("Content-Type", jsonType)
	w.WriteHeader(r.status)
	// No text of the table needs escaping.
	_, _ = io.WriteString(w, `{"error":"`+r.code+`","error_description":"`+r.description+
		`","error_uri":"`+baseURL+`/docs/errors#`+r.code+
		`","code":"`+strconv.Itoa(r.status)+`","message":"`+r.description+`"}`) // the client may be gone
}

// noStore keeps tokens and errors out of every cache (RFC 6749 5.1).
func noStore(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
}
