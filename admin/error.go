package admin

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Error is an answer of the admin API that is no success.
type Error struct {
	Status  int    `json:"-"`
	Code    string `json:"code"` // the status as text
	Message string `json:"message"`
	// Reason is for programs: not_found, invalid, active_key_limit, ….
	Reason string       `json:"reason,omitempty"`
	Errors []FieldError `json:"errors,omitempty"` // what is wrong with which member

	RequestID  string        `json:"-"` // to find the request in the server's log
	RetryAfter time.Duration `json:"-"` // with status 429 and 503
}

// FieldError says what is wrong with a member of a request.
type FieldError struct {
	Field  string `json:"field"`
	Reason string `json:"reason"` // a sentence fragment: is longer than 100 characters
}

// Error implements error.
func (e *Error) Error() string {
	if len(e.Errors) == 0 {
		return e.Message
	}
	var b strings.Builder
	for i, f := range e.Errors {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(f.Field + " " + f.Reason)
	}
	return b.String()
}

// errorOf reads the error of an answer.
func errorOf(resp *http.Response, body []byte) *Error {
	e := &Error{}
	if json.Unmarshal(body, e) != nil || e.Message == "" {
		e.Message = "the server answered " + resp.Status + ", and not as the admin API does"
	}
	e.Status, e.Code, e.RequestID = resp.StatusCode, strconv.Itoa(resp.StatusCode), resp.Header.Get("X-Request-Id")
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds >= 0 {
		e.RetryAfter = time.Duration(seconds) * time.Second
	}
	return e
}
