package config

// Desk is the source "desk".
type Desk struct {
	Wire
	Token  Secret
	Tokens bool // generate conversation tokens (a write) for the message history
}

func deskKeys() []key[Desk] {
	return append(wireKeys(func(s *Desk) *Wire { return &s.Wire }, "120/m", "4"), []key[Desk]{ // the vendor's own limit
		{name: "token", about: "API key", slot: hidden(func(s *Desk) *Secret { return &s.Token })},
		{name: "tokens", preset: "false", about: "Generate conversation tokens, a write at the vendor, to read the message history.",
			slot: one(func(s *Desk) *bool { return &s.Tokens }, boolForm())},
	}...)
}
