package tokenwrighttest

import (
	"crypto/subtle"
	"encoding/base64"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tokenwright/tokenwright/internal/strictjson"
)

const (
	maxBody       = 64 << 10
	maxParameters = 64
	formType      = "application/x-www-form-urlencoded"
	jsonType      = "application/json"
)

// parameters is a token request.
type parameters map[string]string

var parameterNames = []string{"grant_type", "client_id", "client_secret", "scope", "resource", "client_assertion", "client_assertion_type", "token"}

// token is the token endpoint (RFC 6749 3.2, 4.4).
func (iss *Issuer) token(w http.ResponseWriter, r *http.Request) error {
	noStore(w.Header())
	if err := methods(w, r, http.MethodPost); err != nil {
		return err
	}
	p := parameters{}
	if err := p.read(r); err != nil {
		return err
	}
	switch p["grant_type"] {
	case "client_credentials":
	case "":
		return noGrantType
	default:
		return otherGrantType
	}
	key, err := iss.authenticate(p)
	if err != nil {
		return err
	}
	scope, err := iss.grant(key, p)
	if err != nil {
		return err
	}
	return iss.issue(w, key, scope)
}

func (iss *Issuer) issue(w http.ResponseWriter, key Key, scope string) error {
	token, err := iss.write(iss.draft([]Claim{ClientID(key.ClientID), Merchant(key.Merchant), Scopes(scope)}))
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", jsonType)
	if !key.SecretExpires.IsZero() {
		h.Set("Tokenwright-Secret-Expires", key.SecretExpires.UTC().Format(time.RFC3339))
	}
	// RFC 6749 5.1. Nothing needs escaping: AddKey has looked at the scopes.
	_, _ = io.WriteString(w, `{"access_token":"`+token+`","expires_in":`+strconv.FormatInt(iss.lifetime, 10)+
		`,"token_type":"bearer","scope":"`+scope+`"}`) // the client may be gone: nothing to do about it
	return nil
}

// authenticate finds the API key that asks. What the text of the request alone
// shows to be wrong is told.
func (iss *Issuer) authenticate(p parameters) (Key, error) {
	id, secret := p["client_id"], p["client_secret"]
	if id == "" || secret == "" {
		return Key{}, noCredentials
	}
	iss.mu.Lock()
	key, known := iss.keys[id]
	iss.mu.Unlock()
	if known && subtle.ConstantTimeCompare([]byte(secret), []byte(key.ClientSecret)) == 1 {
		return key, nil
	}
	parsed, err := credentials.ParseID(id)
	switch {
	case known: // whatever its form
	case err != nil:
		return Key{}, idProblem(err)
	case parsed.Env != iss.Environment:
		return Key{}, otherEnvironment
	}
	_, env, err := credentials.ParseSecret(secret)
	switch {
	case err != nil:
		return Key{}, secretProblem(err)
	case env != iss.Environment:
		return Key{}, twoEnvironments
	}
	return Key{}, unknownClient
}

// grant returns the scopes that a token gets: all, or those asked for, where
// the API key holds them.
func (iss *Issuer) grant(key Key, p parameters) (string, error) {
	if resource := p["resource"]; resource != "" && resource != iss.Audience {
		return "", unknownResource
	}
	asked := slices.Clone(key.Scopes)
	if p["scope"] != "" {
		asked = strings.Split(p["scope"], " ")
	}
	for _, name := range asked {
		if name == "" || strings.ContainsFunc(name, func(c rune) bool { return c <= 0x20 || c > 0x7e || c == '"' || c == '\\' }) {
			return "", oddScope
		}
	}
	for _, name := range asked {
		if !slices.Contains(key.Scopes, name) {
			return "", scopeNotHeld
		}
	}
	if len(asked) == 0 {
		return "", noScope
	}
	slices.Sort(asked)
	return strings.Join(slices.Compact(asked), " "), nil
}

// read takes the parameters from the body, and the credentials from the
// Authorization header too; nothing from the URL (RFC 6749 2.3.1).
func (p parameters) read(r *http.Request) error {
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		return inQuery
	}
	if r.Header.Get("Content-Encoding") != "" {
		return compressed
	}
	mediaType, err := mediaTypeOf(r.Header["Content-Type"])
	if err != nil {
		return err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case err != nil:
		return cutShort
	case len(body) > maxBody:
		return tooLarge
	case mediaType == jsonType:
		err = p.readJSON(string(body))
	default:
		err = p.readForm(string(body))
	}
	if err != nil {
		return err
	}
	return p.authorize(r.Header["Authorization"])
}

// mediaTypeOf returns the media type of the body: JSON or form, in UTF-8.
func mediaTypeOf(contentType []string) (string, error) {
	if len(contentType) != 1 {
		return "", otherContentType
	}
	mediaType, params, err := mime.ParseMediaType(contentType[0])
	charset, given := params["charset"]
	if err != nil || mediaType != formType && mediaType != jsonType || given && !strings.EqualFold(charset, "utf-8") {
		return "", otherContentType
	}
	return mediaType, nil
}

// set takes a parameter. Names are exact, and unknown ones are ignored.
func (p parameters) set(name, value string) error {
	for _, known := range parameterNames {
		switch {
		case name == known && value != "": // RFC 6749 3.2: without a value is as omitted
			p[name] = value
		case name != known && strings.EqualFold(name, known):
			return otherCase
		}
	}
	return nil
}

func (p parameters) readJSON(body string) error {
	object, err := strictjson.ParseObject(body)
	if err != nil {
		return noJSON
	}
	for _, member := range object {
		value, ok := member.Value.Text()
		if !ok {
			return noString
		}
		if err := p.set(member.Name, value); err != nil {
			return err
		}
	}
	return nil
}

func (p parameters) readForm(body string) error {
	if strings.HasPrefix(strings.TrimLeft(body, " \t\r\n"), "{") {
		return jsonAsForm
	}
	var seen []string
	for pair := range strings.SplitSeq(body, "&") {
		if pair == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, okName := formDecode(rawName)
		value, okValue := formDecode(rawValue)
		switch {
		case !okName || !okValue || len(seen) == maxParameters:
			return noForm
		case slices.ContainsFunc(seen, func(other string) bool { return strings.EqualFold(other, name) }):
			return repeated
		}
		seen = append(seen, name)
		if err := p.set(name, value); err != nil {
			return err
		}
	}
	return nil
}

// formDecode decodes a name or value of a form.
func formDecode(raw string) (string, bool) {
	text, err := url.QueryUnescape(raw)
	return text, err == nil && utf8.ValidString(text)
}

// authorize brings in HTTP Basic credentials, form-urlencoded inside (RFC 6749
// 2.3.1), and refuses a second way of authentication beside them.
func (p parameters) authorize(header []string) error {
	if p["client_assertion"]+p["client_assertion_type"] != "" {
		return twoMethods
	}
	switch len(header) {
	case 0:
		return nil
	case 1:
	default:
		return twoHeaders
	}
	scheme, encoded, _ := strings.Cut(header[0], " ")
	if !strings.EqualFold(scheme, "Basic") {
		return otherScheme
	}
	id, secret, ok := readBasic(strings.TrimLeft(encoded, " "))
	switch {
	case !ok:
		return noBasic
	case p["client_secret"] != "":
		return twoMethods
	case p["client_id"] != "" && p["client_id"] != id:
		return twoIDs
	}
	p["client_id"], p["client_secret"] = id, secret
	return nil
}

// readBasic is as strict as the product is, which http.Request.BasicAuth is not:
// it takes base64 that is not written in the one way there is (RFC 4648 3.5).
func readBasic(encoded string) (id, secret string, ok bool) {
	raw, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || strings.ContainsAny(encoded, "\r\n") {
		return "", "", false
	}
	rawID, rawSecret, colon := strings.Cut(string(raw), ":")
	id, okID := formDecode(rawID)
	secret, okSecret := formDecode(rawSecret)
	return id, secret, colon && okID && okSecret
}
