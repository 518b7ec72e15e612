package server

import (
	"log/slog"
	"net/http"
)

// traceHeader in the form that net/http gives to names.
const traceHeader = "Traceparent"

// The places in a traceparent of version 00, 00-<trace-id>-<parent-id>-<flags>
// (W3C Trace Context level 1, 3.2.2).
const (
	traceAt, traceEnd   = 3, 35
	parentAt, parentEnd = 36, 52
	traceLength         = 55
)

// trace adds to the record what ties the request to those of other programs: the
// trace that it is part of, and who asked. Nothing is taken over from a header
// that is not exactly as the standard says: it is the client's text.
func (r *record) trace(h http.Header) {
	values := h[traceHeader]
	// W3C Trace Context 3.2: more than one is as none.
	if len(values) != 1 || !validTrace(values[0]) {
		return
	}
	r.attrs = append(r.attrs, slog.String("trace_id", values[0][traceAt:traceEnd]), slog.String("parent_id", values[0][parentAt:parentEnd]))
}

// validTrace tells whether v is a traceparent of version 00: digits in lower
// case, and neither ID all zero (3.2.2.3, 3.2.2.4).
func validTrace(v string) bool {
	return len(v) == traceLength && v[:traceAt] == "00-" && v[traceEnd] == '-' && v[parentEnd] == '-' &&
		validTraceID(v[traceAt:traceEnd]) && validTraceID(v[parentAt:parentEnd]) && lowerHex(v[parentEnd+1:])
}

func validTraceID(id string) bool {
	for i := range len(id) {
		if id[i] != '0' {
			return lowerHex(id)
		}
	}
	return false
}

func lowerHex(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
