package pattern

import (
	"fmt"
	"net/netip"
	"strings"
)

// parseAddr reads an IP address literal as EventBridge does: no zone, no
// dotted tail in an IPv6 address, and an IPv4 address inside IPv6 is IPv4.
func parseAddr(s string) (netip.Addr, bool) {
	if len(s) == 0 || len(s) > 45 || strings.ContainsRune(s, '%') || strings.ContainsRune(s, ':') && strings.ContainsRune(s, '.') {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(s)
	return a.Unmap(), err == nil
}

func compileCIDR(v node) (condition, error) {
	if v.kind != kindString {
		return condition{}, fmt.Errorf("cidr is %s: allowed is a string like \"10.0.0.0/24\"", v)
	}
	p, err := netip.ParsePrefix(v.text)
	if err != nil {
		return condition{}, fmt.Errorf("cidr %q is malformed: allowed is an address and a number of bits, like 10.0.0.0/24 or 2001:db8::/32", v.text)
	}
	if p.Addr().Is4In6() {
		return condition{}, fmt.Errorf("cidr %q is an IPv4 network inside IPv6: write it as IPv4", v.text)
	}
	if p.Bits() == p.Addr().BitLen() {
		return condition{}, fmt.Errorf("cidr %q is a single address: EventBridge takes at most /31 and /127; match the address itself as a plain string", v.text)
	}
	return condition{op: opCIDR, network: p.Masked()}, nil
}
