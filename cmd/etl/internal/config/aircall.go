package config

import "time"

// Aircall is the source "aircall".
type Aircall struct {
	Wire
	Username     string
	Password     Secret
	DurationUnit time.Duration // of Call.duration: time.Millisecond or time.Second
}

func aircallKeys() []key[Aircall] {
	return append(wireKeys(func(s *Aircall) *Wire { return &s.Wire }, "5/s", "4"), []key[Aircall]{
		{name: "username", example: "${AIRCALL_USERNAME}", about: "The user name.",
			slot: one(func(s *Aircall) *string { return &s.Username }, textForm("a user name"))},
		{name: "password", about: "password", slot: hidden(func(s *Aircall) *Secret { return &s.Password })},
		{name: "duration_unit", preset: "ms", about: "The unit of Call.duration.",
			slot: one(func(s *Aircall) *time.Duration { return &s.DurationUnit }, unitForm())},
	}...)
}
