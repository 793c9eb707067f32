package warehouse

import (
	"fmt"
	"net"
	"net/url"

	"nightjar/cmd/etl/internal/config"
)

// Where the rows of a warehouse come from.
const (
	fromVendors   = "vendor"
	fromSimulator = "simulator" // endpoints on this machine: the demo, the sandbox, tests
)

// Origin tells simulated vendors from real ones by their endpoints, so that the
// numbers of a demo are never added to those of a contact centre.
func Origin(c *config.Config) string {
	for _, p := range c.Enabled() {
		wire, _ := c.Sources.Wire(p.Source)
		u, err := url.Parse(wire.Endpoint)
		if err != nil {
			return fromVendors
		}
		if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return fromVendors
		}
	}
	return fromSimulator
}

// SameOrigin refuses to mix the two in one warehouse.
func (v *View) SameOrigin() error {
	if v.Live == nil || v.Live.Manifest.Origin == "" {
		return nil
	}
	if now := Origin(v.Config); now != v.Live.Manifest.Origin {
		return &UsageError{fmt.Sprintf("%s holds rows of a %s, and the endpoints are those of a %s: give each a warehouse of its own (--warehouse)",
			v.Config.Warehouse, v.Live.Manifest.Origin, now)}
	}
	return nil
}
