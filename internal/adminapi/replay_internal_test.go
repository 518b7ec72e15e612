package adminapi

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/jose"
	"github.com/tokenwright/tokenwright/internal/storetest"
)

// C-197: a request that was done by its repetition, after it had looked for an
// answer and before it was done itself, is answered as that one was, though its
// version is gone by then.
func TestARequestOvertakenByItsRepetitionIsAnsweredAsThat(t *testing.T) {
	s, err := storetest.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "tokenwright.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	master, _ := authority.NewMasterKey()
	actor := authority.Actor{ID: "test", Permissions: authority.Everything()}
	cfg := authority.Config{Store: s, MasterKeys: []authority.MasterKey{master}, Environments: []authority.Environment{
		{Name: authority.Platform, Issuer: "http://localhost:8080/platform", Algorithm: jose.EdDSA},
	}}
	if err := authority.Initialize(t.Context(), cfg, "tw", authority.MerchantNumbers, actor); err != nil {
		t.Fatal(err)
	}
	auth, err := authority.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := auth.CreateMerchant(t.Context(), actor, authority.NewMerchant{ID: "1", Name: "x"}); err != nil {
		t.Fatal(err)
	}
	a := New(Config{Authority: auth})
	suspend := func(h http.Handler) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", Root+"/merchants/1/suspend", nil)
		r.Header.Set("Idempotency-Key", "0123456789abcdef0123456789abcdef")
		r.Header.Set("If-Match", `"1"`)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	who := func(http.ResponseWriter, *http.Request, *route) (authority.Actor, bool) { return actor, true }
	quick := http.NewServeMux()
	a.register(quick.Handle, who)

	var first *httptest.ResponseRecorder
	slow := post("/merchants/{merchantId}/suspend", authority.MerchantsWrite, func(a *API, r *request) (any, error) {
		first = suspend(quick)
		return a.suspendMerchant(r)
	})
	mux := http.NewServeMux()
	mux.Handle(Root+slow.Path, a.methods([]*route{&slow}, who))
	second := suspend(mux)
	if first.Code != 200 || second.Code != 200 || first.Body.String() != second.Body.String() || second.Header().Get("Idempotency-Replayed") != "true" {
		t.Errorf("first %d %s\nthen %d %s", first.Code, first.Body, second.Code, second.Body)
	}
}
