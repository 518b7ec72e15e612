package oauthapi

import (
	"bytes"
	"compress/gzip"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestTokenEndpointTakesOnlyPOST(t *testing.T) { // C-005
	in := install(t, nil)
	body := jsonBody(in.key("demo", "customers:read").request()...)
	for _, path := range slices.Concat(commonEndpoints, demoEndpoints) {
		for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "post", "PROPFIND"} {
			a := in.do(newRequest(method, path, strings.NewReader(body), "Content-Type", "application/json"))
			a.refused(reasonMethod)
			a.wantHeader("Allow", "POST")
		}
	}
}

func TestRepeatedParametersAreRefused(t *testing.T) { // C-009, C-010
	in := install(t, nil)
	k := in.key("demo", "customers:read")
	for _, name := range []string{"grant_type", "client_id", "client_secret", "scope", "resource", "foo"} {
		pairs := k.request("scope", "customers:read", "resource", base+"/demo/api", "foo", "bar")
		first := pairs[slices.Index(pairs, name)+1]
		for _, value := range []string{first, "other", ""} {
			twice := append(slices.Clone(pairs), name, value)
			in.ask(asForm, twice).refused(reasonRepeated)
			in.ask(asJSON, twice).refused(reasonJSON)
		}
	}
	in.ask(asForm, k.request("foo", "1", "FOO", "2")).refused(reasonRepeated)
	in.ask(asJSON, k.request("foo", "1", "FOO", "2")).refused(reasonJSON)
}

// The other names are read by programs that do not tell the case apart, U+017F
// included: what passes there as one thing must not pass here as another.
func TestNamesInAnotherCaseAreRefused(t *testing.T) { // C-011
	in := install(t, nil)
	k := in.key("demo", "customers:read")
	for exact, variants := range map[string][]string{
		"grant_type":    {"GRANT_TYPE", "Grant_Type", "grant_typE"},
		"client_id":     {"CLIENT_ID", "Client_Id"},
		"client_secret": {"Client_Secret", "client_\u017fecret"},
		"scope":         {"SCOPE", "Scope", "\u017fcope"},
		"resource":      {"Resource", "re\u017fource"},
	} {
		for _, variant := range variants {
			pairs := k.request("scope", "customers:read", "resource", base+"/demo/api")
			pairs[slices.Index(pairs, exact)] = variant
			for _, e := range encodings {
				in.ask(e, pairs).refused(reasonParameterCase)
			}
		}
	}
}

func TestTheURLHoldsNoParameters(t *testing.T) { // C-014, C-015
	in := install(t, nil)
	k := in.key("demo", "customers:read")
	for _, query := range []string{"?client_secret=" + k.secret, "?client_id=" + k.id + "&client_secret=" + k.secret, "?" + formBody(k.request()...),
		"?scope=customers:read", "?grant_type=client_credentials", "?foo", "?"} {
		for _, e := range encodings {
			in.post("/oauth/token"+query, e.contentType, e.encode(k.request()...)).refused(reasonQuery)
			in.post("/demo/api/oauth/token"+query, e.contentType, e.encode(grant()...)).refused(reasonQuery)
		}
	}
}

func TestContentTypes(t *testing.T) { // C-016, C-017
	in := install(t, nil)
	k := in.key("demo", "customers:read")
	for _, e := range encodings {
		body := e.encode(k.request()...)
		for _, suffix := range []string{"", "; charset=utf-8", ";charset=UTF-8", `; charset="utf-8"`, " ; charset=Utf-8", "; foo=bar"} {
			in.post("/oauth/token", e.contentType+suffix, body).issued("demo")
			in.post("/oauth/token", strings.ToUpper(e.contentType)+suffix, body).issued("demo")
		}
		for _, contentType := range []string{"", "text/plain", "multipart/form-data", "multipart/form-data; boundary=x", "*/*", "application/*", "json",
			e.contentType + "x", "x" + e.contentType, e.contentType + "+x", e.contentType + "; charset=utf-16", e.contentType + "; charset=iso-8859-1",
			e.contentType + "; charset=utf-8; charset=utf-16", e.contentType + ", text/plain", e.contentType + "\x00", e.contentType + "; charset="} {
			in.post("/oauth/token", contentType, body).refused(reasonContentType)
		}
		in.post("/oauth/token", e.contentType, body, "Content-Type", e.contentType).refused(reasonContentType)
	}
	in.post("/oauth/token", asForm.contentType, jsonBody(k.request()...)).refused(reasonJSONAsForm)
	in.post("/oauth/token", asForm.contentType, " \r\n\t"+jsonBody(k.request()...)).refused(reasonJSONAsForm)
	in.post("/oauth/token", asForm.contentType, "["+jsonBody(k.request()...)+"]").refused(reasonNoGrantType)
	in.post("/oauth/token", asJSON.contentType, formBody(k.request()...)).refused(reasonJSON)
}

func TestCompressedBodiesAreRefused(t *testing.T) { // C-018
	in := install(t, nil)
	var compressed bytes.Buffer
	w := gzip.NewWriter(&compressed)
	_, err := w.Write([]byte(jsonBody(in.key("demo", "customers:read").request()...)))
	in.must(errors.Join(err, w.Close()))
	for _, coding := range []string{"gzip", "GZIP", "deflate", "br", "gzip, identity", "x"} {
		in.post("/oauth/token", asJSON.contentType, compressed.String(), "Content-Encoding", coding).refused(reasonEncoding)
	}
	in.post("/oauth/token", asJSON.contentType, compressed.String()).refused(reasonJSON)
}

func TestBodiesThatBreakOffAreRefused(t *testing.T) {
	in := install(t, nil)
	half := strings.NewReader(`{"grant_type":`)
	for _, cause := range []error{errors.New("connection reset"), http.ErrBodyReadAfterClose} {
		r := newRequest("POST", "/oauth/token", iotest.TimeoutReader(iotest.ErrReader(cause)), "Content-Type", "application/json")
		in.do(r).refused(reasonBody)
	}
	in.do(newRequest("POST", "/oauth/token", half, "Content-Type", "application/json")).refused(reasonJSON)
}

func TestFormsThatCannotBeDecodedAreRefused(t *testing.T) {
	in := install(t, nil)
	valid := formBody(in.key("demo", "customers:read").request()...)
	for _, bad := range []string{"foo=%", "foo=%1", "foo=%zz", "%=bar", "foo=%ff", "%ff=bar", "foo=\xff", "foo=%c0%af", "foo=%ed%a0%80"} {
		in.post("/oauth/token", asForm.contentType, valid+"&"+bad).refused(reasonForm)
	}
	for _, odd := range []string{"&", "&&foo", "&foo=", "&foo==", "&=", "&foo=a;b", "&foo=%00", "&foo=%0D%0A"} {
		in.post("/oauth/token", asForm.contentType, valid+odd).issued("demo")
	}
}
