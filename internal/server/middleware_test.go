package server

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// site is a handler as cmd would wire it.
func site() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oauth/token", func(w http.ResponseWriter, r *http.Request) {
		record := w.(interface{ LogAttr(slog.Attr) })
		record.LogAttr(slog.String("client_id", "twc_demo_x"))
		record.LogAttr(slog.Int("scopes", 2))
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "0123456789")
	})
	mux.HandleFunc("GET /pages/{id}", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /tree/{id}/", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/any/{id}/", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /fail", func(w http.ResponseWriter, _ *http.Request) { WriteError(w, 503, "later") })
	mux.HandleFunc("GET /panic", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Set-Cookie", "session=hunter2")
		w.Header().Set("Content-Length", "9999")
		panic(fmt.Errorf("could not parse %q", "client_secret=hunter2"))
	})
	mux.HandleFunc("GET /panic-late", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "half an ans")
		w.(http.Flusher).Flush()
		panic("hunter2")
	})
	mux.HandleFunc("/", NotFound)
	return mux
}

func TestEveryRequestHasOneRecordWithoutItsContent(t *testing.T) { // C-225, C-227
	r := start(t, site(), nil)
	answer, _ := r.do("POST", "http://"+r.address+"/oauth/token?client_secret=hunter2",
		"Authorization", "Basic hunter2", "Cookie", "s=hunter2", "User-Agent", "hunter2", "X-Request-Id", "hunter2", "X-Forwarded-For", "192.0.2.1")
	record := r.theRequest()

	id := answer.Header.Get("X-Request-Id")
	if !regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`).MatchString(id) {
		t.Errorf("X-Request-Id = %q, want 22 characters of base64url", id)
	}
	if took, _ := record["duration_us"].(float64); took < 0 || took > 20e6 {
		t.Errorf("duration_us = %v", record["duration_us"])
	}
	if at, _ := record["time"].(string); !strings.HasSuffix(at, "Z") {
		t.Errorf("time = %q, want UTC", at)
	}
	want := map[string]any{
		"level": "INFO", "msg": "request", "request_id": id, "method": "POST", "route": "POST /oauth/token",
		"status": 200.0, "bytes": 10.0, "address": "127.0.0.1", "client_id": "twc_demo_x", "scopes": 2.0,
	}
	delete(record, "time")
	delete(record, "duration_us")
	if !reflect.DeepEqual(record, want) {
		t.Errorf("record\n got %v\nwant %v", record, want)
	}
	if all := string(r.lines.bytes()); strings.Contains(all, "hunter2") || strings.Contains(all, "192.0.2.1") {
		t.Errorf("the log quotes the request: %s", all)
	}
}

func TestRecordOfOneRequestHasNothingOfAnother(t *testing.T) {
	r := start(t, site(), nil)
	for range 20 {
		r.do("POST", "http://"+r.address+"/oauth/token")
		r.get("/pages/7")
	}
	ids := map[any]bool{}
	for _, record := range r.requests() {
		ids[record["request_id"]] = true
		if _, has := record["client_id"]; has != (record["route"] == "POST /oauth/token") {
			t.Errorf("attributes moved between requests: %v", record)
		}
	}
	if len(ids) != 40 {
		t.Errorf("%d request IDs for 40 requests", len(ids))
	}
}

func TestPathIsRecordedOnlyWithoutARouteAndWithoutSecrets(t *testing.T) { // C-225
	r := start(t, site(), nil)
	secret := "tws_demo_" + strings.Repeat("s", 49)
	r.get("/pages/" + secret)
	r.get("/nothing/" + secret + "/here?q=hunter2")
	r.get("/nothing%0d%0aInjected:%20yes%1b[31m%e2%80%a8") // C-226
	records := r.requests()
	if path, has := records[0]["path"]; has {
		t.Errorf("path %q recorded beside its route", path)
	}
	if got, want := records[1]["path"], "/nothing/tws_demo…/here"; got != want || records[1]["route"] != "" {
		t.Errorf("path = %q, want %q, with route %q", got, want, records[1]["route"])
	}
	if got, want := records[2]["path"], "/nothing\r\nInjected: yes\x1b[31m\u2028"; got != want {
		t.Errorf("path = %q, want %q", got, want)
	}
	if all := string(r.lines.bytes()); strings.Contains(all, secret[:12]) || strings.ContainsAny(all, "\r\x1b\u2028") {
		t.Errorf("log holds a secret or control characters: %q", all)
	}
}

func TestSafePath(t *testing.T) { // C-225
	for path, want := range map[string]string{
		"":                              "",
		"/":                             "/",
		"/a/b/":                         "/a/b/",
		"/" + strings.Repeat("a", 40):   "/" + strings.Repeat("a", 40),
		"/" + strings.Repeat("a", 41):   "/aaaaaaaa…",
		"/" + strings.Repeat("é", 41):   "/éééééééé…",
		strings.Repeat("/abc", 50):      strings.Repeat("/abc", 50),
		strings.Repeat("/abcd", 41):     strings.Repeat("/abcd", 39) + "/a…",
		"/a" + strings.Repeat("/é", 99): "/a" + strings.Repeat("/é", 65) + "…",
		strings.Repeat("/", 1<<14):      strings.Repeat("/", 197) + "…",
	} {
		got := safePath(path)
		if got != want {
			t.Errorf("safePath(%.60q) = %q, want %q", path, got, want)
		}
		if len(got) > maxPath {
			t.Errorf("safePath(%.60q) has %d bytes", path, len(got))
		}
	}
	if got := safePath("/" + strings.Repeat("\x80/", 300)); len(got) > maxPath {
		t.Errorf("%d bytes for a path that is not UTF-8", len(got))
	}
}

func TestPanicIsAnsweredAndItsValueIsNotLogged(t *testing.T) { // C-225
	r := start(t, site(), nil)
	answer, body := r.get("/panic")
	if answer.StatusCode != 500 || answer.Header.Get("Set-Cookie") != "" || answer.Header.Get("X-Request-Id") == "" {
		t.Errorf("answer %d %v, want 500 without the handler's headers", answer.StatusCode, answer.Header)
	}
	var got struct{ Code, Message string }
	if err := json.Unmarshal([]byte(body), &got); err != nil || got.Code != "500" || got.Message == "" {
		t.Errorf("body %q: %v", body, err)
	}
	record := r.theRequest()
	stack, _ := record["stack"].(string)
	if record["level"] != "ERROR" || record["status"] != 500.0 || record["panic"] != "*fmt.wrapError" && record["panic"] != "*errors.errorString" {
		t.Errorf("record %v", record)
	}
	if !strings.Contains(stack, "middleware_test.go") {
		t.Errorf("the stack does not show the handler: %s", stack)
	}
	if strings.Contains(string(r.lines.bytes())+body, "hunter2") {
		t.Error("the value of the panic got out")
	}
}

func TestPanicAfterTheHeadCutsTheConnection(t *testing.T) {
	r := start(t, site(), nil)
	answer, err := r.client.Get("http://" + r.address + "/panic-late")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); err == nil {
		t.Errorf("half an answer looked whole: %q", body)
	}
	record := r.theRequest()
	if record["level"] != "ERROR" || record["panic"] != "string" || strings.Contains(string(r.lines.bytes()), "hunter2") {
		t.Errorf("record %v", record)
	}
}

func TestUncleanPathIsRefusedNotRedirected(t *testing.T) {
	r := start(t, site(), nil)
	for _, path := range []string{"//oauth/token", "/oauth//token", "/x/../oauth/token", "/./oauth/token", "/oauth/token/.", "/oauth/token//", "//",
		"/x/%2e%2e/oauth/token", "/oauth%2F%2Ftoken"} {
		conn := r.raw("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(path, err)
		}
		var got struct{ Code, Message string }
		json.NewDecoder(answer.Body).Decode(&got)
		if answer.StatusCode != 404 || got.Code != "404" || answer.Header.Get("Location") != "" {
			t.Errorf("%s: %d %v %+v, want 404 as JSON", path, answer.StatusCode, answer.Header, got)
		}
	}
	if answer, _ := r.get("/tree/7/"); answer.StatusCode != 200 {
		t.Errorf("a trailing slash: %d, want 200", answer.StatusCode)
	}
}

func TestMethodsThatNoRouteHasAreAnsweredHere(t *testing.T) { // C-231: CONNECT would make a route out of the path
	r := start(t, site(), nil)
	for _, line := range []string{"OPTIONS *", "CONNECT example.com:443", "CONNECT /any/random-17"} {
		answer, err := http.ReadResponse(bufio.NewReader(r.raw(line+" HTTP/1.1\r\nHost: x\r\n\r\n")), nil)
		if err != nil {
			t.Fatal(line, err)
		}
		if answer.StatusCode != 404 || answer.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s: %d %v, want 404 with a request ID", line, answer.StatusCode, answer.Header)
		}
	}
	for _, record := range r.requests() {
		if record["route"] != "" {
			t.Errorf("route %q, want none", record["route"])
		}
	}
}

// C-023: what reads paths and methods by itself gets all of them as they were sent.
func TestAHandlerCanHaveAnyPathAndMethod(t *testing.T) {
	var got string
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Method + " " + r.URL.Path
		w.WriteHeader(http.StatusForbidden)
	})
	r := start(t, handler, func(s *Server) { s.config.AnyPath = "/check" })
	for line, there := range map[string]bool{
		"GET /check": true, "GET /check/a//b": true, "PUT /check/../c": true, "CONNECT /check/./": true, "CONNECT /check": true, "ANY /check/%2e%2e": true,
		"CONNECT /checks": false, "GET /checks//": false, "GET //check": false, "GET /./check": false, "CONNECT check:443": false,
	} {
		got = ""
		answer, err := http.ReadResponse(bufio.NewReader(r.raw(line+" HTTP/1.1\r\nHost: x\r\n\r\n")), nil)
		if err != nil {
			t.Fatal(line, err)
		}
		if there && (answer.StatusCode != 403 || got != strings.ReplaceAll(line, "%2e", ".")) || !there && (answer.StatusCode != 404 || got != "") {
			t.Errorf("%s: status %d, the handler got %q", line, answer.StatusCode, got)
		}
	}
}

func TestEveryAnswerHasRequestIDAndNosniff(t *testing.T) {
	r := start(t, site(), nil)
	for _, path := range []string{"/pages/1", "/nothing", "/panic", "/fail", "/healthz", "/readyz", "//"} {
		answer, _ := r.get(path)
		if answer.Header.Get("X-Request-Id") == "" || !slices.Equal(answer.Header["X-Content-Type-Options"], []string{"nosniff"}) {
			t.Errorf("%s: %v", path, answer.Header)
		}
	}
}

// C-210: those of the handler, ours, and those that take the place of one that failed.
func TestBrowsersAreToldToStayOnHTTPS(t *testing.T) {
	for told, want := range map[bool]string{true: "max-age=31536000", false: ""} {
		r := start(t, site(), func(s *Server) { s.config.StayOnHTTPS, s.config.AnyPath = told, "/check" })
		for path, want := range map[string]string{
			"/pages/1": want, "/nothing": want, "/panic": want, "/fail": want, "/healthz": want, "/readyz": want, "//": want, "/checks": want, "/check": "", "/check/a//b": "",
		} {
			if answer, _ := r.get(path); answer.Header.Get("Strict-Transport-Security") != want {
				t.Errorf("%s: %v", path, answer.Header)
			}
		}
	}
}

func TestServerErrorsAreWarnings(t *testing.T) {
	r := start(t, site(), nil)
	r.get("/fail")
	if record := r.theRequest(); record["level"] != "WARN" || record["status"] != 503.0 {
		t.Errorf("record %v", record)
	}
}

func TestTooLargeBodyClosesTheConnection(t *testing.T) { // C-018
	mux := http.NewServeMux()
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		if _, err := io.ReadAll(r.Body); err != nil {
			WriteError(w, http.StatusRequestEntityTooLarge, "At most 64 KiB.")
		}
	})
	r := start(t, mux, nil)
	conn := r.raw("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + strings.Repeat("x", 64<<10+1))
	in := bufio.NewReader(conn)
	answer, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, answer.Body)
	if answer.StatusCode != 413 || !answer.Close {
		t.Errorf("%d, close %v: want 413 and a closed connection", answer.StatusCode, answer.Close)
	}
	if _, err := in.ReadByte(); err != io.EOF {
		t.Errorf("after the answer: %v, want EOF", err)
	}
}

func TestResponseWriterPassesFlushAndInterimAnswers(t *testing.T) {
	gate := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /stream", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "first")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		if _, ok := w.(interface{ Unwrap() http.ResponseWriter }); !ok {
			t.Error("no Unwrap")
		}
		<-gate
	})
	r := start(t, mux, nil)
	answer, err := r.client.Get("http://" + r.address + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 5)
	if _, err := io.ReadFull(answer.Body, first); err != nil || string(first) != "first" {
		t.Errorf("read %q, %v before the handler ended", first, err)
	}
	close(gate)
	answer.Body.Close()
	if record := r.theRequest(); record["status"] != 200.0 || record["bytes"] != 5.0 {
		t.Errorf("record %v", record)
	}
}
