package config

// Sixth is the source "sixth".
type Sixth struct {
	Wire
	Token Secret
}

func sixthKeys() []key[Sixth] {
	return append(wireKeys(func(s *Sixth) *Wire { return &s.Wire }, "5/s", "1"), []key[Sixth]{
		{name: "token", about: "API key", slot: hidden(func(s *Sixth) *Secret { return &s.Token })},
	}...)
}
