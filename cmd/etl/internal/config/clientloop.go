package config

// ClientLoop is the source "clientloop".
type ClientLoop struct {
	Wire
	Token Secret
	OrgID string
}

func clientloopKeys() []key[ClientLoop] {
	return append(wireKeys(func(s *ClientLoop) *Wire { return &s.Wire }, "1/s", "1"), []key[ClientLoop]{
		{name: "token", about: "API key", slot: hidden(func(s *ClientLoop) *Secret { return &s.Token })},
		{name: "org_id", example: "${CLIENTLOOP_ORG_ID}", about: "The id of the organisation.",
			slot: one(func(s *ClientLoop) *string { return &s.OrgID }, textForm("the id of the organisation"))},
	}...)
}
