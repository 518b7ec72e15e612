package leaks

import (
	_ "embed"
	"net/http"
	"strings"
)

// patterns is the configuration of gitleaks for the prefix {prefix}.
//
//go:embed gitleaks.toml
var patterns string

// Pattern returns the configuration of gitleaks that finds client secrets which
// begin with prefix. A prefix is letters and digits: it needs no quoting.
func Pattern(prefix string) []byte { return []byte(strings.ReplaceAll(patterns, "{prefix}", prefix)) }

// showPattern publishes it.
func (h *Handler) showPattern(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		errReadOnly.write(w)
		return
	}
	w.Header().Set("Content-Type", "application/toml")
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(h.pattern)
}
