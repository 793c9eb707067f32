package transport

import (
	"nightjar/extract"
)

// Client sends the requests of one source. It is safe for concurrent use and
// lives as long as one run.
type Client struct {
	cfg    Config
	signIn SignIn
	chain  asker

	login  login  // the token at hand
	pace   *pace  // rate and slots
	budget budget // repeats left
	shown  shown  // schema at hand
}

// fail is an error of this vendor.
func (c *Client) fail(kind extract.Kind, err error) *extract.Error {
	return &extract.Error{Kind: kind, Vendor: c.cfg.Vendor, Err: err}
}
