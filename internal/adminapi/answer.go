package adminapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// answer is what is sent, and kept where it may have to be sent again.
type answer struct {
	Status   int             `json:"status"`
	ETag     string          `json:"etag,omitempty"`
	Location string          `json:"location,omitempty"` // of what was created
	Body     json.RawMessage `json:"body,omitempty"`     // none: no content
}

// render makes the answer of an endpoint from what its handler returned.
func (a *API) render(e *route, result any) (*answer, error) {
	out := &answer{Status: e.status}
	body, version, location := a.onTheWire(result)
	if version != 0 {
		out.ETag = etag(version)
	}
	if e.status == http.StatusCreated {
		out.Location = location
	}
	if e.status == http.StatusNoContent {
		return out, nil
	}
	text, err := encode(body)
	out.Body = text
	return out, err
}

// encode writes JSON with texts as they are: what shows them escapes them.
func encode(v any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, fmt.Errorf("writing the answer: %w", err)
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}

// rendered is the answer as it is kept, its body byte for byte.
func (a *API) rendered(e *route, result any) ([]byte, error) {
	x, err := a.render(e, result)
	if err != nil {
		return nil, err
	}
	return encode(x)
}

// onTheWire turns what the domain returns into what is sent, with the version
// and the place of it, where it has them.
func (a *API) onTheWire(result any) (body any, version int64, location string) {
	switch v := result.(type) {
	case *authority.Merchant:
		return a.wire.merchant(v), v.Version, Root + "/merchants/" + url.PathEscape(string(v.ID))
	case *authority.Scope:
		return a.wire.scope(v), 0, Root + "/scopes/" + url.PathEscape(v.Name)
	case *authority.APIKey:
		return a.wire.apiKey(v), v.Version, Root + "/api-keys/" + url.PathEscape(string(v.ID))
	case *authority.NewSecret:
		return a.wire.created(v), v.Key.Version, Root + "/api-keys/" + url.PathEscape(string(v.Key.ID))
	case *account.User:
		return a.wire.user(v), v.Version, Root + "/users/" + url.PathEscape(string(v.ID))
	case *account.IssuedLink:
		return a.wire.link(v), 0, ""
	case *admin.APIKeyDetails:
		return v, v.Version, ""
	}
	return result, 0, ""
}

func (x *answer) write(w http.ResponseWriter) {
	h := w.Header()
	if x.ETag != "" {
		h.Set("ETag", x.ETag)
	}
	if x.Location != "" {
		h.Set("Location", x.Location)
	}
	writeBody(w, x.Status, x.Body)
}

func writeBody(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if status != http.StatusNoContent {
		h.Set("Content-Type", "application/json")
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone: nothing to do about it
}

// page is one page of a list.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // asks for the next page, where there is one
}

// listOf reads one page: fetch returns items behind a place, the first behind
// "", place says where an item stands, and wire turns it into what is sent. The
// query must have been read by then, but for limit and cursor.
func listOf[T, U any](r *request, fetch func(after string, limit int) ([]T, error), place func(*T) string, wire func(*T) U) (any, error) {
	limit, after, err := r.page()
	if err != nil {
		return nil, err
	}
	items, err := fetch(after, limit+1) // one more tells whether there is more
	if err != nil {
		return nil, err
	}
	out := &page[U]{Items: []U{}}
	if len(items) > limit {
		items = items[:limit]
		out.Next = r.api.authority.Cursor(r.listName(), place(&items[limit-1]))
	}
	for i := range items {
		out.Items = append(out.Items, wire(&items[i]))
	}
	return out, nil
}

// page reads how many items are asked for, and behind which.
func (r *request) page() (limit int, after string, err error) {
	limit = defaultLimit
	if text := r.query.text("limit"); text != nil {
		if limit, err = strconv.Atoi(*text); err != nil || strconv.Itoa(limit) != *text || limit < 1 || limit > maxLimit {
			r.query.wrong("limit", fmt.Sprintf("is not a number from 1 to %d", maxLimit))
		}
	}
	cursor := r.query.text("cursor")
	if err := r.checkInput(); err != nil || cursor == nil {
		return limit, "", err
	}
	after, err = r.api.authority.ParseCursor(r.listName(), *cursor)
	return limit, after, err
}

// listName names the list that a cursor belongs to: path, filters, and what
// exists for the actor.
func (r *request) listName() string {
	filters := r.URL.Query()
	filters.Del("cursor")
	filters.Del("limit")
	p := r.actor.Permissions
	return r.URL.Path + "?" + filters.Encode() + "#" + p.Env + ":" + string(p.MerchantID)
}
