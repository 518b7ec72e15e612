package forwardauth

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// BenchmarkForwardAuth is a request with a token that was seen before.
func BenchmarkForwardAuth(b *testing.B) {
	in := install(b)
	for name, target := range map[string]string{"query": orders, "policy": "/forward-auth/orders/v2/customers"} {
		r := httptest.NewRequest(http.MethodGet, target, nil)
		r.Header.Set("Authorization", "Bearer "+in.demo.Token())
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				in.handler.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
