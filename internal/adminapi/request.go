package adminapi

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/strictjson"
)

const (
	// maxBody is in bytes.
	maxBody = 64 << 10

	defaultLimit = 100
	maxLimit     = 500
)

// request is what was asked for, read but for the meaning of its members.
type request struct {
	*http.Request
	api       *API
	actor     authority.Actor
	query     input
	body      input
	ifVersion int64 // 0 where any will do
}

// malformed is a request that cannot be read.
type malformed struct {
	reason  string
	message string
}

// Error implements error.
func (m *malformed) Error() string { return m.message }

func badRequest(message string) error {
	return &malformed{reasonRequest, message}
}

// read reads r, whose actor may use the endpoint.
func (a *API) read(w http.ResponseWriter, r *http.Request, e *route, actor authority.Actor) (*request, error) {
	out := &request{Request: r, api: a, actor: actor}
	if !isText(r.URL.Path) {
		return nil, authority.ErrNotFound // an ID that nothing has
	}
	var err error
	if out.query, err = readQuery(r.URL.RawQuery); err != nil {
		return nil, err
	}
	if out.ifVersion, err = readIfMatch(r, e); err != nil {
		return nil, err
	}
	if r.Method != http.MethodPost && r.Method != http.MethodPatch {
		return out, nil
	}
	text, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	object, err := strictjson.ParseObject(cmp.Or(text, "{}"))
	if err != nil {
		return nil, badRequest("The body is not one JSON object, each member once: " + strings.TrimPrefix(err.Error(), "strictjson: ") + ".")
	}
	out.body = input{members: object}
	return out, out.once(text)
}

func readQuery(raw string) (input, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return input{}, badRequest("The query cannot be read.")
	}
	in := input{isQuery: true}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		list := values[name]
		if len(list) > 1 {
			in.wrong(shown(name), "is given more than once")
		}
		if !isText(list[0]) {
			in.wrong(shown(name), "is not UTF-8 without control characters")
		}
		in.members = append(in.members, strictjson.Member{Name: name, Value: strictjson.TextValue(list[0])})
	}
	return in, nil
}

// isText tells whether s can be text of ours: not every database takes others to
// compare with (U+0000 in PostgreSQL), and none has any.
func isText(s string) bool { return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl) }

// readBody returns the body as text, which may be empty.
func readBody(w http.ResponseWriter, r *http.Request) (string, error) {
	if r.Header.Get("Content-Encoding") != "" {
		return "", &malformed{reasonEncoding, "The body must not be compressed."}
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return "", &malformed{reasonTooLarge, "The body is larger than 64 KiB."}
	}
	if err != nil {
		return "", badRequest("The body could not be read.")
	}
	if len(data) == 0 {
		return "", nil
	}
	kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	known := kind == "application/json" || kind == "application/merge-patch+json" && r.Method == http.MethodPatch
	if charset := parameters["charset"]; err != nil || !known || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return "", &malformed{reasonContentType, "The body is JSON: send Content-Type: application/json."}
	}
	return string(data), nil
}

// readIfMatch reads the version that is to be changed (RFC 9110 13.1.1).
func readIfMatch(r *http.Request, e *route) (int64, error) {
	list := r.Header.Values("If-Match")
	switch {
	case len(list) == 0:
		return 0, nil
	case !e.Versioned:
		return 0, badRequest("If-Match means nothing here: there are no versions.")
	case len(list) == 1 && list[0] == "*":
		return 0, nil
	case len(list) > 1 || strings.Contains(list[0], ","):
		return 0, badRequest(`If-Match is one ETag of ours, such as "3", or *.`)
	}
	tag := strings.TrimSuffix(strings.TrimPrefix(list[0], `"`), `"`)
	version, err := strconv.ParseInt(tag, 10, 64)
	if err != nil || version < 1 || list[0] != etag(version) {
		return 0, authority.ErrVersion // no ETag that we have ever given
	}
	return version, nil
}

func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// once reads the idempotency key: at least 128 random bits, as text.
func (r *request) once(body string) error {
	list := r.Header.Values("Idempotency-Key")
	if len(list) == 0 || r.Method != http.MethodPost {
		return nil
	}
	unfit := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
	}
	if len(list) > 1 || len(list[0]) < 22 || len(list[0]) > 128 || strings.ContainsFunc(list[0], unfit) {
		return badRequest("Idempotency-Key is 22 to 128 letters, digits, - and _, once: 128 random bits or more, such as from openssl rand -hex 16.")
	}
	asked := []string{r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("If-Match"), body}
	hash := sha256.New()
	for _, part := range asked {
		hash.Write([]byte(hex.EncodeToString([]byte(part)) + "\n"))
	}
	r.actor.Once = &authority.Once{Key: list[0], Request: [sha256.Size]byte(hash.Sum(nil))}
	return nil
}

// merchantID reads the merchant of the path; what is no ID is nobody's.
func (r *request) merchantID() (authority.MerchantID, error) {
	inst := r.api.authority.Installation()
	id, err := inst.ParseMerchantID(r.PathValue("merchantId"))
	if err != nil {
		return "", authority.ErrNotFound
	}
	return id, r.checkInput()
}

func (r *request) clientID() (authority.ClientID, error) {
	return authority.ClientID(r.PathValue("clientId")), r.checkInput()
}

// checkInput refuses what is wrong with query and body, and members that nobody
// has asked for. Handlers call it after the last member.
func (r *request) checkInput() error {
	all := slices.Concat(r.query.problems("is no parameter of this endpoint"), r.body.problems("is no member of this request"))
	if len(all) == 0 {
		return nil
	}
	return invalidInput(all)
}
