package webhook_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/webhook"
)

// C-364
func TestOnlyPublicAddressesArePublic(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"93.184.216.34": true, "1.1.1.1": true, "100.63.255.255": true, "100.128.0.1": true, "172.32.0.1": true, "223.255.255.255": true,
		"2606:2800:220:1::1": true, "2a00:1450:4001::1": true, "::ffff:93.184.216.34": true, "64:ff9b::5db8:d822": true, "2002:5db8:d822::1": true,
		"2a00::5efe:5db8:d822": true, "2a00::200:5efe:5db8:d822": true,

		"0.0.0.0": false, "0.1.2.3": false, "127.0.0.1": false, "127.255.255.254": false, "10.1.2.3": false, "172.16.0.1": false,
		"172.31.255.255": false, "192.168.1.1": false, "169.254.169.254": false, "100.64.0.1": false, "100.127.255.255": false, "192.0.0.1": false,
		"192.0.2.1": false, "192.88.99.1": false, "198.18.0.1": false, "198.19.255.255": false, "198.51.100.1": false, "203.0.113.1": false,
		"224.0.0.1": false, "239.255.255.255": false, "240.0.0.1": false, "255.255.255.255": false,

		"::": false, "::1": false, "::2": false, "fe80::1": false, "fe80::1%eth0": false, "fec0::1": false, "fc00::1": false, "fd00:ec2::254": false,
		"ff02::1": false, "2001::1": false, "2001:10::1": false, "2001:db8::1": false, "3fff::1": false, "100::1": false, "4000::1": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:169.254.169.254": false, "::ffff:0:127.0.0.1": false, "::7f00:1": false,
		"64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b::a00:1": false, "64:ff9b:1::5db8:d822": false,
		"2002:7f00:1::": false, "2002:a00:1::1": false, "2002:c0a8:101::1": false, "2002:a9fe:a9fe::1": false,
		"2a00::5efe:7f00:1": false, "2a00::200:5efe:a9fe:a9fe": false, "2a00::5efe:a00:1": false,
	} {
		if got := webhook.Public(netip.MustParseAddr(text)); got != want {
			t.Errorf("public(%s) is %t", text, got)
		}
	}
}

// C-364: however it is written, and whatever it leads to when it is connected
// to. What a text does not show, the connection does.
func TestPrivateReceiversAreNotConnectedTo(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var connections atomic.Int64
	server := &httptest.Server{Listener: l, Config: &http.Server{ConnState: func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}}}
	server.Start()
	defer server.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	for _, host := range []string{
		"localhost", "LOCALHOST", "localhost.", "demo.localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "127.0.0.1.",
		"0", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
		"169.254.169.254", "①②⑦.0.0.1", "127。0。0。1",
	} {
		// http is not allowed to a public receiver; the connection comes first.
		hook := webhook.Webhook{Name: "ops", URL: "http://" + host + ":" + port + "/", Events: []string{"*"}, Secret: mustSecret(t, secret)}
		o, err := w.dispatcher(t, hook).Test(t.Context(), "ops")
		if err != nil || o.Status != 0 || o.Reason != webhook.ReasonAddress && o.Reason != webhook.ReasonDNS && o.Reason != webhook.ReasonConnection {
			t.Errorf("%s: %+v, %v", host, o, err)
		}
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("there were %d connections", n)
	}
	hook := webhook.Webhook{Name: "ops", URL: server.URL, Events: []string{"*"}, Secret: mustSecret(t, secret), AllowPrivate: true}
	if o, err := w.dispatcher(t, hook).Test(t.Context(), "ops"); err != nil || o.Status == 0 || connections.Load() != 1 {
		t.Errorf("with allow_private: %+v, %v", o, err)
	}
}

// C-364
func TestURLsAreCheckedStrictly(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{ // without and with allow_private
		"https://hooks.example.com/x?y=z": {"", ""},
		"https://93.184.216.34/":          {"", ""},
		"http://hooks.example.com/":       {"is not https", ""},
		"https://127.0.0.1/":              {"special address", ""},
		"https://localhost:1/":            {"special address", ""},
		"https://a.LOCALHOST./":           {"special address", ""},
		"https://[::ffff:10.0.0.1]/":      {"special address", ""},
		"ftp://hooks.example.com/":        {"is not https", "is not https"},
		"https://u:p@hooks.example.com/":  {"has a user", "has a user"},
		"https://hooks.example.com/#a":    {"has a fragment", "has a fragment"},
		"https:///x":                      {"is no URL", "is no URL"},
		"https://:443/":                   {"is no URL", "is no URL"},
		"hooks.example.com":               {"is no URL", "is no URL"},
		"":                                {"is no URL", "is no URL"},
		"https://a b/":                    {"is no URL", "is no URL"},
	} {
		for i, allow := range []bool{false, true} {
			err := webhook.CheckURL(text, allow)
			if want[i] == "" && err != nil || want[i] != "" && (err == nil || !strings.Contains(err.Error(), want[i])) {
				t.Errorf("%s, allow_private %t: %v, want %q", text, allow, err, want[i])
			}
		}
	}
}

// C-364: a redirect could lead anywhere, with the message.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := newEndpoint(t, nil)
	w := newWorld(t)
	for _, code := range []int{301, 302, 303, 307, 308} {
		e := newEndpoint(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, code) })
		if o, err := w.dispatcher(t, e.hook(t, "ops")).Test(t.Context(), "ops"); err != nil || o.Status != code || o.Reason != webhook.ReasonRedirect {
			t.Errorf("%d: %+v, %v", code, o, err)
		}
	}
	if n := len(elsewhere.received()); n != 0 {
		t.Errorf("%d were followed", n)
	}
}

// C-364
func TestReceiverMustProveItsName(t *testing.T) {
	t.Parallel()
	e := &endpoint{}
	e.Server = httptest.NewTLSServer(e)
	defer e.Close()
	e.Config.ErrorLog = nil
	w := newWorld(t)
	if o, err := w.dispatcher(t, e.hook(t, "ops")).Test(t.Context(), "ops"); err != nil || o.Reason != webhook.ReasonTLS || len(e.received()) != 0 {
		t.Errorf("a certificate of nobody known: %+v, %v", o, err)
	}
}

// C-364
func TestProxiesOfTheEnvironmentAreNotAsked(t *testing.T) {
	proxy, e := newEndpoint(t, nil), newEndpoint(t, nil)
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	w := newWorld(t)
	// Proxies are never asked for loopback addresses, so the name is another one.
	hook := e.hook(t, "ops")
	hook.URL = "http://hooks.invalid/"
	o, err := w.dispatcher(t, hook).Test(t.Context(), "ops")
	if err != nil || o.Reason != webhook.ReasonDNS || len(proxy.received()) != 0 {
		t.Errorf("the outcome is %+v, %v; the proxy got %d", o, err, len(proxy.received()))
	}
}

// C-366: what is kept of a failure is its class, never what somebody sent.
func TestFailuresAreKeptAsClasses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hangUp := func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}
	closed := newEndpoint(t, nil)
	closed.Close()
	for reason, e := range map[string]*endpoint{
		webhook.ReasonStatus: newEndpoint(t, status(500)), webhook.ReasonGone: newEndpoint(t, status(410)),
		webhook.ReasonConnection: newEndpoint(t, hangUp), "connection ": closed,
	} {
		d := w.dispatcher(t, e.hook(t, "ops-"+strings.TrimSpace(reason)))
		w.happen(t, authority.APIKeyDeleted, "", "")
		step(t, d)
		if got := w.delivery(t, "ops-"+strings.TrimSpace(reason)); got.Error != strings.TrimSpace(reason) {
			t.Errorf("%s: %+v", reason, got)
		}
	}
	if u, err := url.Parse(closed.URL); err != nil || strings.Contains(w.log.String(), u.Port()) {
		t.Errorf("the log has the address: %s", w.log.String())
	}
}
