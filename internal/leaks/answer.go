package leaks

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"time"
)

// refusal is the answer to a report that was not taken. It depends on how the
// report was sent, never on what was reported.
type refusal struct {
	status     int
	reason     string // for the log
	message    string
	allow      string        // methods; "" but with 405
	retryAfter time.Duration // 0 for not said
}

var (
	errMethod      = &refusal{status: 405, reason: "method", allow: "POST", message: "Report a leak with POST."}
	errReadOnly    = &refusal{status: 405, reason: "method", allow: "GET, HEAD", message: "The pattern can be read with GET."}
	errQuery       = &refusal{status: 400, reason: "query", message: "The URL has no query; send credential and url in the body."}
	errContentType = &refusal{status: 415, reason: "content_type", message: "The body is JSON (application/json) or a form (application/x-www-form-urlencoded), in UTF-8, not compressed."}
	errTooLarge    = &refusal{status: 413, reason: "too_large", message: "The body is larger than 64 KiB. Report one credential at a time."}
	errBody        = &refusal{status: 400, reason: "body", message: "The body did not arrive whole."}
	errJSON        = &refusal{status: 400, reason: "json", message: "The body is not one JSON object with each member once."}
	errType        = &refusal{status: 400, reason: "json_type", message: "Every member of the JSON object must be a string."}
	errForm        = &refusal{status: 400, reason: "form", message: "The body is not a form with each parameter once."}
	errCase        = &refusal{status: 400, reason: "parameter_case", message: "The names credential and url are written in lower case."}
	errMissing     = &refusal{status: 400, reason: "no_credential", message: "The member credential is missing or empty: the client secret or access token that was found."}
	errMany        = &refusal{status: 429, reason: "rate_limit", message: "There were too many reports from your address. Try again after the time in Retry-After."}
	errFull        = &refusal{status: 503, reason: "queue_full", message: "Too many reports wait. Try again after the time in Retry-After.", retryAfter: 10 * time.Second}
)

// after is r with the time that it is for.
func (r refusal) after(d time.Duration) *refusal {
	r.retryAfter = d
	return &r
}

func (r *refusal) write(w http.ResponseWriter) {
	h := w.Header()
	switch {
	case r.status == http.StatusMethodNotAllowed:
		h.Set("Allow", r.allow) // RFC 9110 15.5.6
	case r.status == http.StatusRequestEntityTooLarge:
		h.Set("Connection", "close")
	case r.retryAfter > 0:
		h.Set("Retry-After", strconv.Itoa(int((r.retryAfter+time.Second-1)/time.Second)))
	}
	if record, ok := w.(interface{ LogAttr(slog.Attr) }); ok {
		record.LogAttr(slog.String("refused", r.reason))
	}
	body, _ := json.Marshal(struct { // of two strings, which always encodes
		Code    string `json:"code"`
		Message string `json:"message"`
	}{strconv.Itoa(r.status), r.message})
	writeJSON(w, r.status, body)
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", jsonType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone: nothing to do about it
}
