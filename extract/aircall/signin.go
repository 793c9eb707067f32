package aircall

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"nightjar/extract/transport"
)

//go:embed login.graphql
var loginQuery string

//go:embed refresh.graphql
var refreshQuery string

// accessLife is how long an access token is good for, as the vendor documents;
// the answer does not say. A token that ends sooner is renewed on the first 401.
const accessLife = 10 * time.Minute

// signIn logs in, and renews by refreshTokenV2. A refresh token is good once:
// where it is refused, or an answer got lost, the client logs in afresh.
func signIn(cfg Config) transport.SignIn {
	return func(ctx context.Context, send transport.Sender, previous *transport.Token) (*transport.Token, error) {
		if previous != nil && previous.Refresh != "" {
			refresh := transport.Query{Operation: "Refresh", Text: refreshQuery, Once: true}
			return token(ctx, send, cfg.Endpoint, refresh, previous.Refresh)
		}
		input := map[string]any{"username": cfg.Username, "password": cfg.Password}
		login := transport.Query{Operation: "Login", Text: loginQuery, Variables: map[string]any{"input": input}}
		return token(ctx, send, cfg.Endpoint, login, "")
	}
}

func token(ctx context.Context, send transport.Sender, endpoint string, q transport.Query, bearer string) (*transport.Token, error) {
	answer, err := send.GraphQL(ctx, endpoint, q, bearer)
	if err != nil {
		return nil, err
	}
	type pair struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	var body struct {
		Data struct{ Login, RefreshTokenV2 pair }
	}
	if json.Unmarshal(answer.Body, &body) != nil {
		// The decoder's own words would quote the answer, which holds the tokens.
		return nil, fmt.Errorf("read the tokens of %s: unexpected shape", q.Operation)
	}
	got := body.Data.Login
	if got.Access == "" {
		got = body.Data.RefreshTokenV2
	}
	return &transport.Token{Access: got.Access, Refresh: got.Refresh, Life: accessLife}, nil
}
