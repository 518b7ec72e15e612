package server

import (
	"errors"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

func TestReadinessFollowsReadyAndHealthDoesNot(t *testing.T) {
	var away atomic.Bool
	r := start(t, site(), func(s *Server) {
		s.config.Ready = func() error {
			if away.Load() {
				return errors.New("The database has not answered yet.")
			}
			return nil
		}
	})
	check := func(path string, status int, body, retry string) {
		t.Helper()
		answer, got := r.get(path)
		if answer.StatusCode != status || got != body {
			t.Errorf("%s: %d %s, want %d %s", path, answer.StatusCode, got, status, body)
		}
		h := answer.Header
		if h.Get("Cache-Control") != "no-store" || h.Get("Content-Type") != "application/json" || h.Get("Retry-After") != retry {
			t.Errorf("%s: headers %v", path, h)
		}
	}
	check("/healthz", 200, `{"status":"ok"}`, "")
	check("/readyz", 200, `{"status":"ready"}`, "")
	away.Store(true)
	check("/healthz", 200, `{"status":"ok"}`, "")
	check("/readyz", 503, `{"code":"503","message":"The database has not answered yet."}`, "1")
	away.Store(false)
	check("/readyz", 200, `{"status":"ready"}`, "")
	for _, record := range r.requests() { // C-227: probes do not fill the log
		if record["level"] != "DEBUG" || record["route"] != "/healthz" && record["route"] != "/readyz" {
			t.Errorf("record %v", record)
		}
	}
}

func TestProbesAnswerGetAndHeadOnly(t *testing.T) {
	r := start(t, site(), nil)
	for _, path := range []string{"/healthz", "/readyz"} {
		for method, want := range map[string]int{"HEAD": 200, "POST": 405, "DELETE": 405, "OPTIONS": 405} {
			answer, body := r.do(method, "http://"+r.address+path)
			if answer.StatusCode != want {
				t.Errorf("%s %s: %d, want %d", method, path, answer.StatusCode, want)
			}
			if want == 405 && answer.Header.Get("Allow") != "GET, HEAD" || method == "HEAD" && body != "" {
				t.Errorf("%s %s: Allow %q, body %q", method, path, answer.Header.Get("Allow"), body)
			}
		}
	}
}

func TestWriteErrorEscapesItsMessage(t *testing.T) {
	w := httptest.NewRecorder()
	WriteError(w, 418, "say \"tea\"\n")
	if got, want := w.Body.String(), `{"code":"418","message":"say \"tea\"\n"}`; got != want || w.Code != 418 {
		t.Errorf("%d %s, want %s", w.Code, got, want)
	}
	if h := w.Header(); h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v", h)
	}
}
