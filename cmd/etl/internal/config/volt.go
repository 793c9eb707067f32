package config

// Volt is the source "volt".
type Volt struct {
	Wire
	Token    Secret
	Accounts []string // primary phones, E.164
}

func voltKeys() []key[Volt] {
	// ITU-T E.164: + and at most fifteen digits.
	phone := patternForm(`a phone number such as "+10003334444"`, `^\+[1-9][0-9]{6,14}$`, `not a phone number; want E.164 such as "+10003334444"`)
	return append(wireKeys(func(s *Volt) *Wire { return &s.Wire }, "5/s", "4"), []key[Volt]{
		{name: "token", about: "API token", slot: hidden(func(s *Volt) *Secret { return &s.Token })},
		{name: "accounts", example: `["+10003334444"]`, about: "The primary phones whose inboxes hold the messages, E.164.",
			slot: many(func(s *Volt) *[]string { return &s.Accounts }, phone)},
	}...)
}
