package server

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tokenwright/tokenwright/internal/fuzztest"
)

// C-023, R-50: a path that is let through is one that a mux takes as it is,
// without a redirect, and the reverse. In the log stands at most maxPath bytes
// of it, and of no segment more than maxSegment characters.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{"/", "", "a", "/a/", "//", "/a//b", "/.", "/a/..", "/a/./b/", "/a%2fb", "/a b", "/\x00", "/é/\xff", "/...", "/%", "*",
		"/" + strings.Repeat("a", 41), strings.Repeat("/"+strings.Repeat("ä", 40), 9), strings.Repeat("/a", 300), "/" + strings.Repeat("\xff", 300)} {
		f.Add(seed)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	f.Fuzz(func(t *testing.T, p string) {
		defer fuzztest.Bound(t)()
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, &http.Request{Method: http.MethodGet, URL: &url.URL{Path: p}, Host: "localhost"})
		if taken := w.Code == http.StatusTeapot && p != ""; isClean(p) != taken && p != "*" {
			t.Fatalf("%q: clean %v, the mux answers %d", p, isClean(p), w.Code)
		}
		logged := safePath(p)
		if len(logged) > maxPath {
			t.Fatalf("%q: %d bytes", logged, len(logged))
		}
		if utf8.ValidString(p) && !utf8.ValidString(logged) {
			t.Fatalf("%q is cut within a character", logged)
		}
		sent := strings.Split(p, "/")
		for i, segment := range strings.Split(logged, "/") {
			kept := strings.TrimRight(segment, "…") // two where segment and path are cut in one place
			if i >= len(sent) || !strings.HasPrefix(sent[i], kept) || kept == segment && segment != sent[i] || utf8.RuneCountInString(kept) > maxSegment {
				t.Fatalf("%q is logged as %q", p, logged)
			}
		}
	})
}
