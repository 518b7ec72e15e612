package leaks

import (
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
	// maxCredential and maxURL are how many bytes of a report wait. No secret is
	// longer, nor a token that a header can carry.
	maxCredential = 16 << 10
	maxURL        = 2 << 10

	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
)

// read takes a report from the body, a form or JSON, as strictly as the token
// endpoint: nothing is taken from the URL, and nothing has two meanings.
func read(r *http.Request) (finding, *refusal) {
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		return finding{}, errQuery
	}
	parse := readForm
	switch mediaType, ok := mediaTypeOf(r.Header); {
	case !ok:
		return finding{}, errContentType
	case mediaType == jsonType:
		parse = readJSON
	}
	body, refused := readBody(r)
	if refused != nil {
		return finding{}, refused
	}
	var f finding
	if refused := parse(body, f.set); refused != nil {
		return finding{}, refused
	}
	if f.credential = strings.TrimSpace(f.credential); f.credential == "" { // it was copied from somewhere
		return finding{}, errMissing
	}
	return f.shortened(), nil
}

// set takes one member; unknown ones are ignored, but for known ones in another
// case.
func (f *finding) set(name, value string) *refusal {
	switch {
	case name == "credential":
		f.credential = value
	case name == "url":
		f.url = value
	case strings.EqualFold(name, "credential"), strings.EqualFold(name, "url"):
		return errCase
	}
	return nil
}

// shortened is f as it waits: without the memory of the rest of the body.
func (f finding) shortened() finding {
	if len(f.credential) > maxCredential {
		f.credential = "" // it can be nothing of ours
	}
	f.credential = strings.Clone(f.credential)
	f.url = strings.Clone(f.url[:min(len(f.url), maxURL)])
	return f
}

// mediaTypeOf returns the media type of the body: JSON or form, in UTF-8, not
// compressed.
func mediaTypeOf(h http.Header) (string, bool) {
	if len(h["Content-Type"]) != 1 || h.Get("Content-Encoding") != "" {
		return "", false
	}
	mediaType, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	charset, given := params["charset"]
	return mediaType, err == nil && (mediaType == formType || mediaType == jsonType) && (!given || strings.EqualFold(charset, "utf-8"))
}

func readBody(r *http.Request) (string, *refusal) {
	if r.ContentLength > maxBody {
		return "", errTooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return "", errTooLarge
	}
	if err != nil {
		return "", errBody
	}
	return string(body), nil
}

// readJSON takes a flat object of strings.
func readJSON(body string, set func(name, value string) *refusal) *refusal {
	object, err := strictjson.ParseObject(body)
	if err != nil {
		return errJSON
	}
	for i := range object {
		value, ok := object[i].Value.Text()
		if !ok {
			return errType
		}
		if refused := set(object[i].Name, value); refused != nil {
			return refused
		}
	}
	return nil
}

// readForm takes name=value pairs, each name once, in whatever case.
func readForm(body string, set func(name, value string) *refusal) *refusal {
	form, err := url.ParseQuery(body)
	if err != nil || len(form) > maxParameters {
		return errForm
	}
	names := make(map[string]bool, len(form))
	for name, values := range form {
		lower := strings.ToLower(name)
		if len(values) != 1 || names[lower] || !utf8.ValidString(name) || !utf8.ValidString(values[0]) {
			return errForm
		}
		names[lower] = true
		if refused := set(name, values[0]); refused != nil {
			return refused
		}
	}
	return nil
}
