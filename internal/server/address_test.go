package server

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/fuzztest"
)

// C-042: only what a trusted proxy has added to X-Forwarded-For is believed.
func TestClientAddressBehindProxies(t *testing.T) {
	trusted := proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}
	for _, c := range []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"no proxy", "198.51.100.1:7", nil, "198.51.100.1:7"},
		{"a stranger's header", "198.51.100.1:7", []string{"192.0.2.1"}, "198.51.100.1:7"},
		{"a proxy without the header", "10.0.0.1:7", nil, "10.0.0.1:7"},
		{"a proxy", "10.0.0.1:7", []string{"192.0.2.1"}, "192.0.2.1:0"},
		{"a proxy seen as IPv4 in IPv6", "[::ffff:10.0.0.1]:7", []string{"192.0.2.1"}, "192.0.2.1:0"},
		{"two proxies", "10.0.0.1:7", []string{"192.0.2.1, 10.0.0.2"}, "192.0.2.1:0"},
		{"two headers", "10.0.0.1:7", []string{"192.0.2.1", "10.0.0.2"}, "192.0.2.1:0"},
		{"what the client has made up", "10.0.0.1:7", []string{"203.0.113.9, 192.0.2.1"}, "192.0.2.1:0"},
		{"what the client has made up behind a proxy's address", "10.0.0.1:7", []string{"203.0.113.9, 10.0.0.3, 192.0.2.1, 10.0.0.2"}, "192.0.2.1:0"},
		{"IPv6", "[2001:db8:1::1]:7", []string{"2001:db8:2::9"}, "[2001:db8:2::9]:0"},
		{"ports", "10.0.0.1:7", []string{"192.0.2.1:4711, [2001:db8:1::2]:80"}, "192.0.2.1:0"},
		{"brackets", "10.0.0.1:7", []string{"[2001:db8:2::9]"}, "[2001:db8:2::9]:0"},
		{"IPv4 in IPv6", "10.0.0.1:7", []string{"::ffff:192.0.2.1"}, "192.0.2.1:0"},
		{"junk", "10.0.0.1:7", []string{"192.0.2.1, unknown"}, "10.0.0.1:7"},
		{"junk before a proxy", "10.0.0.1:7", []string{"junk, 10.0.0.2"}, "10.0.0.2:0"},
		{"only proxies", "10.0.0.1:7", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3:0"},
		{"empty elements", "10.0.0.1:7", []string{"192.0.2.1,,"}, "10.0.0.1:7"},
		{"a zone", "10.0.0.1:7", []string{"fe80::1%eth0"}, "10.0.0.1:7"},
		{"no address", "@", []string{"192.0.2.1"}, "@"},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{}}
		if c.forwarded != nil {
			r.Header["X-Forwarded-For"] = c.forwarded
		}
		r.Header["Forwarded"] = []string{"for=203.0.113.1"}
		if trusted.restoreAddress(r); r.RemoteAddr != c.want {
			t.Errorf("%s: got %s, want %s", c.name, r.RemoteAddr, c.want)
		}
	}
}

// C-042, R-50: whatever a client writes into X-Forwarded-For, it is taken for whom a
// trusted proxy has heard from, and for itself where it asks without one.
func FuzzClientAddress(f *testing.F) {
	trusted := proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}
	for _, seed := range []string{"", ",", "192.0.2.1", "10.0.0.3, ", "[2001:db8:1::2]:80", "fe80::1%eth0", "::ffff:10.0.0.1", "unknown", "\x00", strings.Repeat("10.0.0.2,", 1000)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, made string) {
		defer fuzztest.Bound(t)()
		for _, c := range []struct {
			peer      string
			forwarded []string
			want      string
		}{
			{"198.51.100.1:7", []string{made}, "198.51.100.1:7"},
			{"10.0.0.1:7", []string{made, "192.0.2.1"}, "192.0.2.1:0"},
			{"[2001:db8:1::1]:7", []string{made + ", 192.0.2.1, 10.0.0.2:80"}, "192.0.2.1:0"},
			{"10.0.0.1:7", []string{made}, ""}, // a proxy that passes on what it was sent
		} {
			r := &http.Request{RemoteAddr: c.peer, Header: http.Header{"X-Forwarded-For": c.forwarded}}
			trusted.restoreAddress(r)
			if c.want != "" && r.RemoteAddr != c.want {
				t.Errorf("%q from %s: got %s, want %s", c.forwarded, c.peer, r.RemoteAddr, c.want)
			}
			if at, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || at.Addr().Zone() != "" || at.Addr().Is4In6() {
				t.Errorf("%q from %s: got %s, which is no address of a client", c.forwarded, c.peer, r.RemoteAddr)
			}
		}
	})
}
