package streams

import (
	"nightjar/extract"
	"nightjar/extract/sixth"
	"nightjar/transform"
)

var tickets = &Stream{
	Stream: transform.Tickets(),
	Open: func(o *Opener) extract.Stream {
		s := o.Config.Sources.Sixth
		return sixth.New(sixth.Config{Endpoint: s.Endpoint, Token: s.Token.Reveal(), Transport: o.transport(s.Wire)})
	},
	CredentialKeys: token,
}
