package contract

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/tokenwright/tokenwright/internal/docs"
)

// Document is what a server at a base URL serves as /openapi.json, with the
// environments demo and production below it and the usual prefix.
func Document(base string) ([]byte, error) {
	c := docs.Config{BaseURL: base}
	for _, name := range []string{"demo", "production"} {
		issuer := base + "/" + name
		c.Environments = append(c.Environments, docs.Environment{Name: name, Issuer: issuer, Audience: issuer + "/api", Algorithm: "ES256"})
	}
	site, err := docs.New(c)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	site.Register(mux.Handle)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/openapi.json", nil))
	if w.Code != http.StatusOK {
		return nil, fmt.Errorf("status %d", w.Code)
	}
	return w.Body.Bytes(), nil
}
