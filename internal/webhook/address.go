package webhook

import (
	"errors"
	"net/netip"
	"strings"
	"syscall"
)

// errAddress says that a receiver is where no message may go.
var errAddress = errors.New("is a loopback, private or otherwise special address (allow_private permits it)")

// special are the networks of IPv4, and those in the global unicast space of
// IPv6, that are not of the public Internet, or hide where they lead
// (https://www.iana.org/assignments/iana-ipv4-special-registry and the same of
// IPv6).
var special = [...]netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // of carriers, RFC 6598
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"), // link-local, where clouds keep credentials
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"), // 6to4 relays, RFC 7526
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("224.0.0.0/4"), // multicast
	netip.MustParsePrefix("240.0.0.0/4"),

	netip.MustParsePrefix("2001::/23"), // Teredo among others, RFC 2928
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("3fff::/20"), // documentation, RFC 9637
}

var (
	globalUnicast = netip.MustParsePrefix("2000::/3")
	nat64         = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052 2.1
	sixToFour     = netip.MustParsePrefix("2002::/16")    // RFC 3056 2
)

// public tells whether an address is one of the public Internet. One of IPv6 that
// holds an address of IPv4 is so where that one is.
func public(a netip.Addr) bool {
	a = a.Unmap()
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	if a.Is4() {
		return true
	}
	b := a.As16()
	embedded := func(at int) bool { return public(netip.AddrFrom4([4]byte(b[at : at+4]))) }
	switch {
	case a.Zone() != "":
		return false
	case nat64.Contains(a):
		return embedded(12)
	case sixToFour.Contains(a):
		return embedded(2)
	case b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe: // ISATAP, RFC 5214 6.1
		return globalUnicast.Contains(a) && embedded(12)
	}
	return globalUnicast.Contains(a)
}

// onlyPublic is the Control of a dialer: it is called with the address that a
// name has led to, at the moment of the connection, so it does not matter how the
// name was written or what it led to before.
func onlyPublic(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !public(to.Addr()) {
		return errAddress
	}
	return nil
}

// checkHost refuses at once what onlyPublic would refuse at each connection.
func checkHost(host string) error {
	name := strings.TrimSuffix(strings.ToLower(host), ".")
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return errAddress
	}
	if a, err := netip.ParseAddr(host); err == nil && !public(a) {
		return errAddress
	}
	return nil
}
