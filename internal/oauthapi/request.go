package oauthapi

import (
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/tokenwright/tokenwright/internal/strictjson"
)

const (
	maxBody       = 64 << 10
	maxParameters = 64

	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
)

// parameters is a request to one of the endpoints, read once.
type parameters struct {
	grantType, clientID, clientSecret, scope, resource string
	assertion                                          string // any sign of a client assertion
	token                                              string // to introspect or to revoke
}

// field returns where the parameter of that name goes; nil for unknown ones,
// which are ignored (RFC 6749 3.2).
func (p *parameters) field(name string) *string {
	switch name {
	case "grant_type":
		return &p.grantType
	case "client_id":
		return &p.clientID
	case "client_secret":
		return &p.clientSecret
	case "scope":
		return &p.scope
	case "resource":
		return &p.resource
	case "client_assertion", "client_assertion_type":
		return &p.assertion
	case "token":
		return &p.token
	}
	return nil
}

// set takes one parameter of the body. A known name in another case is an
// error: names are exact, but others read them without regard to case (C-011).
func (p *parameters) set(name, value string) error {
	if to := p.field(name); to != nil {
		if value != "" { // RFC 6749 3.2: without a value is as omitted; one field takes both names of an assertion
			*to = value
		}
		return nil
	}
	for _, known := range []string{"grant_type", "client_id", "client_secret", "scope", "resource", "client_assertion", "client_assertion_type", "token"} {
		if strings.EqualFold(name, known) {
			return refuse(reasonParameterCase)
		}
	}
	return nil
}

// exchange is a token request and its answer. Its memory is used again, which
// saves a fifth of what a token request allocates.
type exchange struct {
	parameters
	buffer []byte // the body of the request, then that of the answer
}

const usualBuffer = 2 << 10

func newExchange() any { return &exchange{buffer: make([]byte, 0, usualBuffer)} }

// release lets the next request have x, without what this one has left in it.
// Answers above 4 KiB net/http does not copy: with HTTP/2 one that was cut off
// may still be on its way to the connection, so that memory is not used again.
func (a *API) release(x *exchange) {
	if cap(x.buffer) > 4<<10 {
		return
	}
	x.parameters = parameters{}
	clear(x.buffer[:cap(x.buffer)])
	a.exchanges.Put(x)
}

// read takes the parameters from the body, a form or where json says so JSON, and
// the credentials from the Authorization header too. Nothing is ever taken from
// the URL (RFC 6749 2.3.1).
func (x *exchange) read(w http.ResponseWriter, r *http.Request, json bool) error {
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		return refuse(reasonQuery)
	}
	if r.Header.Get("Content-Encoding") != "" {
		return refuse(reasonEncoding)
	}
	mediaType, err := mediaTypeOf(r.Header["Content-Type"])
	if err != nil {
		return err
	}
	parse := x.readForm
	if mediaType == jsonType {
		if !json {
			return refuse(reasonNotForm)
		}
		parse = x.readJSON
	}
	body, err := x.readBody(w, r)
	if err != nil {
		return err
	}
	if err := parse(body); err != nil {
		return err
	}
	return x.authorize(r.Header["Authorization"])
}

// mediaTypeOf returns the media type of the body: JSON or form, in UTF-8 (C-016).
func mediaTypeOf(contentType []string) (string, error) {
	if len(contentType) != 1 {
		return "", refuse(reasonContentType)
	}
	mediaType := contentType[0]
	if mediaType != formType && mediaType != jsonType { // most requests need no taking apart
		var params map[string]string
		var err error
		if mediaType, params, err = mime.ParseMediaType(mediaType); err != nil {
			return "", refuse(reasonContentType)
		}
		if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
			return "", refuse(reasonContentType)
		}
	}
	if mediaType != formType && mediaType != jsonType {
		return "", refuse(reasonContentType)
	}
	return mediaType, nil
}

func (x *exchange) readBody(w http.ResponseWriter, r *http.Request) (string, error) {
	if r.ContentLength > maxBody {
		w.Header().Set("Connection", "close")
		return "", refuse(reasonTooLarge)
	}
	// net/http hands out just so many bytes. A larger body gets memory as it
	// comes, not as it is announced: announcing costs nothing.
	if n := r.ContentLength; n >= 0 && n <= int64(cap(x.buffer)) {
		x.buffer = x.buffer[:n]
		if _, err := io.ReadFull(r.Body, x.buffer); err != nil {
			return "", refuse(reasonBody)
		}
		return string(x.buffer), nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return "", refuse(reasonTooLarge)
	}
	if err != nil {
		return "", refuse(reasonBody)
	}
	return string(body), nil
}

// readJSON takes a flat object of strings.
func (p *parameters) readJSON(body string) error {
	object, err := strictjson.ParseObject(body)
	if err != nil {
		return refuse(reasonJSON)
	}
	for i := range object {
		value, ok := object[i].Value.Text()
		if !ok {
			return refuse(reasonJSONType)
		}
		if err := p.set(object[i].Name, value); err != nil {
			return err
		}
	}
	return nil
}

// readForm takes name=value pairs, each name once (RFC 6749 3.2, App. B).
func (p *parameters) readForm(body string) error {
	if strings.HasPrefix(strings.TrimLeft(body, " \t\r\n"), "{") {
		return refuse(reasonJSONAsForm)
	}
	seen := make([]string, 0, 8)
	for body != "" {
		var pair string
		pair, body, _ = strings.Cut(body, "&")
		if pair == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, ok := formDecode(rawName)
		value, okValue := formDecode(rawValue)
		if !ok || !okValue || len(seen) == maxParameters {
			return refuse(reasonForm)
		}
		for _, other := range seen {
			if strings.EqualFold(other, name) {
				return refuse(reasonRepeated)
			}
		}
		seen = append(seen, name)
		if err := p.set(name, value); err != nil {
			return err
		}
	}
	return nil
}

// formDecode decodes a name or value of a form. Most need none, which is found out
// more quickly here than by QueryUnescape.
func formDecode(s string) (string, bool) {
	var err error
	if strings.IndexByte(s, '%') >= 0 || strings.IndexByte(s, '+') >= 0 {
		s, err = url.QueryUnescape(s)
	}
	return s, err == nil && utf8.ValidString(s)
}

// authorize brings in HTTP Basic credentials, and refuses a second way of
// authentication beside them (RFC 6749 2.3).
func (p *parameters) authorize(header []string) error {
	if p.assertion != "" {
		return refuse(reasonAssertion)
	}
	switch len(header) {
	case 0:
		return nil
	case 1:
	default:
		return refuse(reasonTwoHeaders)
	}
	scheme, credentials, _ := strings.Cut(header[0], " ")
	if !strings.EqualFold(scheme, "Basic") {
		return refuse(reasonScheme)
	}
	id, secret, ok := readBasic(strings.TrimLeft(credentials, " "))
	switch {
	case !ok:
		return refuse(reasonBasic)
	case p.clientSecret != "":
		return refuse(reasonTwoMethods)
	case p.clientID != "" && p.clientID != id:
		return refuse(reasonTwoIDs)
	}
	p.clientID, p.clientSecret = id, secret
	return nil
}

// readBasic takes the credentials of RFC 7617 apart at the first colon; both
// parts are form-urlencoded inside (RFC 6749 2.3.1).
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
