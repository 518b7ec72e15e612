package authority

import (
	"net/netip"
	"slices"
)

// maxCIDRs bounds the list of an API key.
const maxCIDRs = 50

// ParseCIDRs reads addresses and networks (RFC 4632, RFC 4291 2.3) as people
// write them: 192.0.2.7, 192.0.2.0/24, 2001:db8::/32. It returns them sorted,
// each once, or an *InvalidError.
func ParseCIDRs(texts []string) ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			var address netip.Addr
			if address, err = netip.ParseAddr(text); err == nil && address.Zone() == "" {
				p = netip.PrefixFrom(address, address.BitLen())
			}
		}
		switch {
		case err != nil || !p.IsValid():
			return nil, invalid("allowedCidrs", "has %q, which is neither an address nor a network such as 192.0.2.0/24", text)
		case p.Addr().Is4In6():
			return nil, invalid("allowedCidrs", "has %q: write IPv4 as IPv4", text)
		case p != p.Masked():
			return nil, invalid("allowedCidrs", "has %q, whose address lies inside its network: did you mean %s?", text, p.Masked())
		}
		list = append(list, p)
	}
	slices.SortFunc(list, netip.Prefix.Compare)
	if list = slices.Compact(list); len(list) > maxCIDRs {
		return nil, invalid("allowedCidrs", "has more than %d networks", maxCIDRs)
	}
	return list, nil
}

// cidrSet is the networks from where an API key may ask for tokens; none for
// everywhere.
type cidrSet []netip.Prefix

// allows tells whether address is in one of them. It looks at every one.
func (s cidrSet) allows(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	found := len(s) == 0
	for _, p := range s {
		found = p.Contains(address) || found
	}
	return found
}
