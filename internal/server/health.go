package server

import (
	"encoding/json"
	"net/http"
)

// Addresses of the probes, which are also the names of their routes.
const (
	healthPath = "/healthz"
	readyPath  = "/readyz"
)

// serveHealth answers the probe for the process itself. It depends on nothing
// else: an orchestrator must not restart a node because the database is away.
func serveHealth(w http.ResponseWriter, r *http.Request) {
	if probeAllowed(w, r) {
		writeJSON(w, http.StatusOK, struct {
			Status string `json:"status"`
		}{"ok"})
	}
}

// serveReady answers the probe of load balancers: should traffic come here?
func (m *middleware) serveReady(w http.ResponseWriter, r *http.Request) {
	if !probeAllowed(w, r) {
		return
	}
	if reason := m.notReady(); reason != "" {
		w.Header().Set("Retry-After", "1")
		WriteError(w, http.StatusServiceUnavailable, reason)
		return
	}
	writeJSON(w, http.StatusOK, struct {
		Status string `json:"status"`
	}{"ready"})
}

func probeAllowed(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	WriteError(w, http.StatusMethodNotAllowed, "This address answers GET and HEAD only.")
	return false
}

// NotFound is the fallback for the mux of the handler. It takes the pattern off
// the request, for a fallback is no route: the record then shows the path.
func NotFound(w http.ResponseWriter, r *http.Request) {
	r.Pattern = ""
	WriteError(w, http.StatusNotFound, "There is nothing at this address. Check the path and the base URL.")
}

// WriteError answers {"code":"<status>","message":"<message>"}.
func WriteError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}{codeLabel(status), message})
}

// writeJSON answers with body, a struct of strings, which always encodes.
func writeJSON(w http.ResponseWriter, status int, body any) {
	text, _ := json.Marshal(body)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(text) // fails only if the client has gone
}
