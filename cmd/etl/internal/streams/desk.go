package streams

import (
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/extract"
	"nightjar/extract/desk"
	"nightjar/transform"
)

var deskConversations = &Stream{
	Stream: transform.DeskConversations(),
	Open: func(o *Opener) extract.Stream {
		s := o.Config.Sources.Desk
		return desk.New(desk.Config{
			Endpoint: s.Endpoint, Token: s.Token.Reveal(), Tokens: s.Tokens, Transport: o.transport(s.Wire),
			Location: o.Config.Timezone, Start: o.Pipeline.Start, Lookback: o.Pipeline.Lookback,
		})
	},
	Changed: "updated_at", Settle: lookback, Extend: desk.Extend,
	AsOf: func(_ *config.Config, p config.Pipeline, b extract.Bookmark) time.Time {
		return desk.AsOf(b, p.Start)
	},
	CredentialKeys: token,
}
