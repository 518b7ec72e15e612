package admin

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Error is an answer that is no success: of the admin API, or of something else
// that was asked in its place or stands before it.
type Error struct {
	Status  int    `json:"-"`
	Code    string `json:"code"` // the status as text
	Message string `json:"message"`
	// Reason is for programs: not_found, invalid, active_key_limit, …; "" with
	// status 401 and 429, and where the access token lacks a scope (403).
	Reason string       `json:"reason,omitempty"`
	Errors []FieldError `json:"errors,omitempty"` // what is wrong with which member

	RequestID  string        `json:"-"` // to find the request in the server's log
	RetryAfter time.Duration `json:"-"` // how long to leave the server alone; 0 where it does not say
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

// isLost tells of an answer that leaves open whether the request was carried out.
func (e *Error) isLost() bool {
	switch e.Status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// errorOf reads the error of an answer.
func errorOf(resp *http.Response, body []byte) *Error {
	e := &Error{}
	if json.Unmarshal(body, e) != nil || e.Message == "" {
		return foreign(resp)
	}
	e.take(resp)
	return e
}

// foreign is the error of an answer that the admin API cannot have given.
func foreign(resp *http.Response) *Error {
	e := &Error{}
	e.take(resp)
	e.Message = "The server answered " + strings.TrimSpace(e.Code+" "+http.StatusText(e.Status)) + ", and not as the admin API does"
	if kind := resp.Header.Get("Content-Type"); kind != "" {
		e.Message += " (" + kind + ")"
	}
	e.Message += ": is the URL right, and what stands before the server?"
	if to, err := url.Parse(resp.Header.Get("Location")); err == nil && to.Host != "" {
		e.Message = "The server answered " + e.Code + ", a redirect to " + to.Scheme + "://" + to.Host + ": redirects are not followed. Is the URL right?"
	}
	return e
}

// take reads what stands in status and header.
func (e *Error) take(resp *http.Response) {
	e.Status, e.Code, e.RequestID = resp.StatusCode, strconv.Itoa(resp.StatusCode), resp.Header.Get("X-Request-Id")
	e.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
}

// retryAfter reads the header (RFC 9110 10.2.3): seconds, or a date; 0 where it
// is neither.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
