package config

// IAdvize is the source "iadvize".
type IAdvize struct {
	Wire
	TokenURL string
	Username string
	Password Secret
	Projects []int64
	Query    string // "searchClosedConversations", "closedConversations"; empty: found by introspection
}

func (s IAdvize) addresses() (map[string]string, bool) {
	return map[string]string{"endpoint": s.Endpoint, "token_url": s.TokenURL}, s.AllowHTTP
}

func iadvizeKeys() []key[IAdvize] {
	return append(wireKeys(func(s *IAdvize) *Wire { return &s.Wire }, "5/s", "4"), []key[IAdvize]{
		{name: "token_url", example: "https://api.iadvize.com/oauth2/token", about: "Where a token is asked for, with the user name and password.",
			slot: one(func(s *IAdvize) *string { return &s.TokenURL }, urlForm())},
		{name: "username", example: "${IADVIZE_USERNAME}", about: "The user name.",
			slot: one(func(s *IAdvize) *string { return &s.Username }, textForm("a user name"))},
		{name: "password", about: "password", slot: hidden(func(s *IAdvize) *Secret { return &s.Password })},
		{name: "projects", example: "[9999]",
			about: "The ids of the projects to export. One that is added is fetched from the start; one that is taken out stays in the tables and is no longer asked for.",
			slot:  many(func(s *IAdvize) *[]int64 { return &s.Projects }, integerForm[int64](1))},
		{name: "query", about: "Which of the two shapes of the query the platform offers; without it, introspection finds out.",
			slot: one(func(s *IAdvize) *string { return &s.Query }, choiceForm("searchClosedConversations", "closedConversations"))},
	}...)
}
