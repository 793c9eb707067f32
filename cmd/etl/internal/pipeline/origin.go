package pipeline

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

// origin tells simulated vendors from real ones by their endpoints, so that the
// numbers of a demo are never added to those of a contact centre.
func origin(c *config.Config) string {
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

// origin is where the rows of the generation come from. A replay asks nobody, so
// it knows only what was known.
func (r *run) origin() string {
	switch {
	case !r.replaying:
		return origin(r.Config)
	case r.parent != nil:
		return r.parent.Manifest.Origin
	}
	return ""
}

// sameOrigin refuses to mix the two in one warehouse.
func (r *run) sameOrigin() error {
	if r.parent == nil || r.parent.Manifest.Origin == "" {
		return nil
	}
	if now := origin(r.Config); now != r.parent.Manifest.Origin {
		return &UsageError{fmt.Sprintf("%s holds rows of a %s, and the endpoints are those of a %s: give each a warehouse of its own (--warehouse)",
			r.Config.Warehouse, r.parent.Manifest.Origin, now)}
	}
	return nil
}
