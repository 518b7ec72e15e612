package adminapi

import (
	"errors"
	"net/http"
	"slices"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// Reason is a value of the member reason, by which programs tell errors apart.
type Reason struct {
	Name    string // [a-z_]+
	Status  int
	Meaning string // a sentence; `code` between backticks, no other Markdown
	Fix     string // what to do, likewise
	is      []error
}

// The reasons that this package finds itself; all others are what the domain has
// refused.
const (
	reasonRequest     = "invalid_request"
	reasonEncoding    = "content_encoding"
	reasonContentType = "content_type"
	reasonTooLarge    = "too_large"
	reasonMethod      = "method"
	reasonInvalid     = "invalid"
	reasonForbidden   = "forbidden"
	reasonNotFound    = "not_found"
	reasonUnripe      = "unripe"
	reasonUnavailable = "unavailable"
)

// Reasons is the whole table of reasons, from which answers and documentation are
// made.
func Reasons() []Reason { return slices.Clone(reasons) }

var reasons = []Reason{
	{
		Name: reasonRequest, Status: http.StatusBadRequest,
		Meaning: "Query, body or a header cannot be read, or has more than one meaning.",
		Fix:     "The message says what. A body is one JSON object with each member once, `If-Match` one `ETag` that you got here, `Idempotency-Key` 22 to 128 letters, digits, `-` and `_`.",
	},
	{
		Name: reasonInvalid, Status: http.StatusBadRequest,
		Meaning: "A member or a query parameter is unknown, or has a value that it cannot have.",
		Fix:     "The member `errors` names each of them, with what is wrong.",
	},
	{
		Name: "cursor", Status: http.StatusBadRequest, is: []error{authority.ErrCursor},
		Meaning: "The cursor is not one of this list: it is of another one, of other filters, or of another API key.",
		Fix:     "Begin anew without `cursor`. While you follow `next`, send the same other parameters.",
	},
	{
		Name: reasonForbidden, Status: http.StatusForbidden,
		Meaning: "The access token has the scope of the endpoint, and yet may not do this: it would give away more than it has, for example.",
		Fix:     "The message says what is lacking. Ask for a token with that scope, or use an API key that holds it: nobody makes, changes, enables or rotates an API key that is stronger than its own.",
	},
	{
		Name: reasonNotFound, Status: http.StatusNotFound, is: []error{authority.ErrNotFound},
		Meaning: "There is no such thing for you: it never was, was deleted, or is another merchant's. Or there is no such endpoint.",
		Fix:     "Compare ID and path. What is another merchant's does not exist for you, on purpose.",
	},
	{
		Name: reasonMethod, Status: http.StatusMethodNotAllowed,
		Meaning: "The endpoint does not take that method.",
		Fix:     "The header `Allow` names those it takes.",
	},
	{
		Name: "conflict", Status: http.StatusConflict, is: []error{authority.ErrConflict},
		Meaning: "Somebody else has changed it at the same time.",
		Fix:     "Read it again, and repeat the change if it is still right.",
	},
	{
		Name: "exists", Status: http.StatusConflict, is: []error{authority.ErrExists, account.ErrEmailTaken},
		Meaning: "The merchant ID, the name of the scope, or the e-mail address of the user is taken.",
		Fix:     "Take another one, or use what is there. The ID of a merchant that was deleted never returns.",
	},
	{
		Name: "active_key_limit", Status: http.StatusConflict, is: []error{authority.ErrActiveKeyLimit},
		Meaning: "The merchant has as many active API keys in this environment as it may have.",
		Fix:     "Disable or delete one, or have an operator raise the merchant's `keyLimit`.",
	},
	{
		Name: "key_limit", Status: http.StatusConflict, is: []error{authority.ErrKeyLimit},
		Meaning: "The merchant has ten times as many API keys in this environment as may be active, disabled ones included.",
		Fix:     "Delete API keys that are disabled.",
	},
	{
		Name: "secret_limit", Status: http.StatusConflict, is: []error{authority.ErrSecretLimit},
		Meaning: "The API key has five secrets that work.",
		Fix:     "Delete one that is no longer used: `safeToDelete` says which.",
	},
	{
		Name: "last_secret", Status: http.StatusConflict, is: []error{authority.ErrLastSecret},
		Meaning: "It is the only secret of the API key that works.",
		Fix:     "Rotate first. To stop the API key, disable or delete it.",
	},
	{
		Name: "scope_in_use", Status: http.StatusConflict, is: []error{authority.ErrScopeInUse},
		Meaning: "API keys hold the scope.",
		Fix:     "Take it from them, then delete it.",
	},
	{
		Name: "merchant_in_use", Status: http.StatusConflict, is: []error{authority.ErrMerchantInUse},
		Meaning: "The merchant still has API keys.",
		Fix:     "Delete them first, disabled ones too. To stop all of them at once, suspend the merchant.",
	},
	{
		Name: "active_signing_key", Status: http.StatusConflict, is: []error{authority.ErrActiveSigningKey},
		Meaning: "The environment would have no active signing key, or two.",
		Fix:     "Read the signing keys again: another rotation may have come before.",
	},
	{
		Name: reasonUnripe, Status: http.StatusConflict,
		Meaning: "The active signing key cannot be revoked yet: no other one has been published for long enough to sign in its place.",
		Fix:     "Wait until the time that the message names. If the key is in wrong hands, send `force`: another one signs at once, and verifiers refuse its tokens until they have read the JWKS again.",
	},
	{
		Name: "last_operator", Status: http.StatusConflict, is: []error{account.ErrLastOperator},
		Meaning: "There would be no active operator any more.",
		Fix:     "Make another user an operator first.",
	},
	{
		Name: "idempotency_conflict", Status: http.StatusConflict, is: []error{authority.ErrReplyOther},
		Meaning: "The `Idempotency-Key` was used for another request within 10 minutes, or what that request made was changed since.",
		Fix:     "Make a new key for each request, and keep it only for sending the very same one again.",
	},
	{
		Name: "version", Status: http.StatusPreconditionFailed, is: []error{authority.ErrVersion},
		Meaning: "It was changed since you read it, so `If-Match` does not fit.",
		Fix:     "Read it again, and decide again.",
	},
	{
		Name: reasonTooLarge, Status: http.StatusRequestEntityTooLarge,
		Meaning: "The body is larger than 64 KiB.",
		Fix:     "Send less.",
	},
	{
		Name: reasonContentType, Status: http.StatusUnsupportedMediaType,
		Meaning: "The body is not said to be JSON in UTF-8.",
		Fix:     "Send `Content-Type: application/json`; for PATCH `application/merge-patch+json` will do.",
	},
	{
		Name: reasonEncoding, Status: http.StatusUnsupportedMediaType,
		Meaning: "The body is compressed.",
		Fix:     "Send it as it is, without `Content-Encoding`.",
	},
	{
		Name: reasonUnavailable, Status: http.StatusServiceUnavailable,
		Meaning: "The database does not answer. Nothing is known of what became of a change.",
		Fix:     "Send the same request, with the same `Idempotency-Key`, after the time in `Retry-After`.",
	},
}

// reasonNamed is the row of a reason of this package; there is one for each.
func reasonNamed(name string) *Reason {
	return &reasons[slices.IndexFunc(reasons, func(r Reason) bool { return r.Name == name })]
}

// refused is the row of what the domain has refused, and which error that was; nil
// where it was something else.
func refused(err error) (*Reason, error) {
	for i := range reasons {
		for _, is := range reasons[i].is {
			if errors.Is(err, is) {
				return &reasons[i], is
			}
		}
	}
	return nil, nil
}
