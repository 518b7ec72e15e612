package server

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// proxies are the networks whose X-Forwarded-For is believed.
type proxies []netip.Prefix

func (p proxies) trust(address netip.Addr) bool {
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(address) })
}

// restoreAddress puts the client's own address in the place of a trusted
// proxy's in r.RemoteAddr, where everybody behind reads it. The header is read
// from its end: each proxy adds whom it heard from, and only what a trusted one
// has added is true. Of Forwarded (RFC 7239), and of any header that comes from
// elsewhere, nothing is believed.
func (p proxies) restoreAddress(r *http.Request) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return
	}
	client := peer.Addr().Unmap()
	for _, hop := range slices.Backward(strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")) {
		if !p.trust(client) {
			break
		}
		address, ok := parseHop(strings.Trim(hop, " \t"))
		if !ok {
			break // the last one that is known stands for it
		}
		client = address
	}
	if client != peer.Addr().Unmap() {
		r.RemoteAddr = netip.AddrPortFrom(client, 0).String()
	}
}

// parseHop reads one element, with or without a port, as proxies write it.
func parseHop(text string) (netip.Addr, bool) {
	address, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		withPort, err := netip.ParseAddrPort(text)
		if err != nil {
			return netip.Addr{}, false
		}
		address = withPort.Addr()
	}
	return address.Unmap(), address.Zone() == ""
}
