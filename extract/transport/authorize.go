package transport

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"nightjar/extract"
)

// renewAt is the share of a token's life after which it is renewed.
const renewAt = 0.8

// renewals is how often one attempt renews a token that is refused: once, and
// again only where the new one died of age while the attempt waited for its turn.
const renewals = 3

// authorize adds the token, and renews it where the vendor says that it has
// expired, in any of the forms that say so. The attempt is then repeated at
// once, also where signing in gave the same token again; a second no on a token
// that should be good is Denied.
func (c *Client) authorize(next asker) asker {
	return func(x *exchange, req *http.Request) (*Answer, error) {
		if x.signIn {
			return next(x, req)
		}
		var refused *Token
		for renewed := 0; ; renewed++ {
			token, err := c.token(req.Context(), refused)
			if err != nil {
				return nil, err
			}
			answer, err := next(x, bearing(req, token))
			if !TokenRefused(err) || renewed > 0 && (renewed >= renewals || !c.outlived(req.Context(), token)) {
				return answer, err
			}
			refused = token
		}
	}
}

// bearing is req with the token; the request that is repeated stays as it was.
func bearing(req *http.Request, token *Token) *http.Request {
	authorized := req.Clone(req.Context())
	authorized.Header.Set("Authorization", "Bearer "+token.Access)
	return authorized
}

// login is the token at hand.
type login struct {
	turn  *semaphore.Weighted // makes sign-ins single-flight
	token *Token
	since time.Time // when token was asked for
	rest  time.Time // no renewal before, after one that failed
	err   error     // the sign-in that failed; nothing is asked after it
}

// token returns a token that is good, signing in or renewing where it must.
// Refused is the token that the vendor just turned down, nil if none; whoever
// comes second with it finds a newer one at hand.
func (c *Client) token(ctx context.Context, refused *Token) (*Token, error) {
	l := &c.login
	if err := l.turn.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer l.turn.Release(1)
	if l.err != nil {
		return nil, l.err
	}
	if l.token != nil && l.token != refused && !l.due() {
		return l.token, nil
	}
	since := time.Now()
	token, err := c.newToken(ctx, l.token)
	if err != nil {
		if l.token != nil && l.token != refused && ctx.Err() == nil && time.Since(l.since) < l.token.Life {
			c.cfg.Log.Warn("the token could not be renewed; the old one is good for a while yet", "vendor", c.cfg.Vendor, "err", err)
			l.rest = time.Now().Add(time.Minute)
			return l.token, nil
		}
		return nil, c.signInFailed(ctx, err)
	}
	l.token, l.since = token, since
	return token, nil
}

// due reports whether the token has lived its share.
func (l *login) due() bool {
	return l.token.Life > 0 && time.Since(l.since) >= time.Duration(renewAt*float64(l.token.Life)) && !time.Now().Before(l.rest)
}

// outlived reports whether token is past the whole of its life. Where ctx ends the
// wait for the turn, that is of no interest any more.
func (c *Client) outlived(ctx context.Context, token *Token) bool {
	if c.login.turn.Acquire(ctx, 1) != nil {
		return false
	}
	defer c.login.turn.Release(1)
	return token.Life > 0 && token == c.login.token && time.Since(c.login.since) >= token.Life
}

// newToken renews previous, and signs in afresh where there is none or where the
// vendor does not take it any more.
func (c *Client) newToken(ctx context.Context, previous *Token) (*Token, error) {
	token, err := c.signIn(ctx, Sender{c}, previous)
	if err != nil && previous != nil && ctx.Err() == nil {
		c.cfg.Log.Info("signing in afresh", "vendor", c.cfg.Vendor, "err", err)
		token, err = c.signIn(ctx, Sender{c}, nil)
	}
	if err != nil {
		return nil, err
	}
	if token == nil || token.Access == "" || strings.ContainsAny(token.Access, "\r\n") {
		return nil, c.fail(extract.Denied, errors.New("the sign-in gave no usable token"))
	}
	return token, nil
}

// signInFailed says that it was the sign-in, and remembers it for the life of the
// client: a sign-in has had its repeats, and a walk that would go on by asking for
// less must not try it again for every smaller question.
func (c *Client) signInFailed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e, ok := errors.AsType[*extract.Error](err)
	if !ok {
		return c.fail(extract.Denied, &signInError{err})
	}
	failed := *e
	failed.Err = &signInError{e.Err}
	c.login.err = &failed
	return &failed
}

// signInError is the failure of a sign-in on which a request waited.
type signInError struct{ err error }

func (e *signInError) Error() string { return "sign in: " + e.err.Error() }
func (e *signInError) Unwrap() error { return e.err }

// SigningIn reports whether err is the failure of a sign-in. The client does not
// sign in again after it: whatever else it is asked ends in the same way.
func SigningIn(err error) bool { return isA[*signInError](err) }

// TokenRefused reports whether err says that the vendor does not know the token,
// also not after a renewal.
func TokenRefused(err error) bool {
	answer, ok := errors.AsType[*AnswerError](err)
	return ok && answer.Expired
}

// Sender sends the requests of a sign-in through the chain, without a token. What
// it returns is judged as any other answer; its body holds credentials and is for
// the SignIn alone.
type Sender struct{ client *Client }

// Do sends a REST request.
func (s Sender) Do(req *http.Request) (*Answer, error) {
	return s.client.do(&exchange{operation: "sign-in", signIn: true}, req)
}

// GraphQL sends q to endpoint. Bearer is the token that a renewal shows, empty for
// none.
func (s Sender) GraphQL(ctx context.Context, endpoint string, q Query, bearer string) (*Answer, error) {
	return s.client.run(ctx, &exchange{operation: q.Operation, graphql: true, signIn: true, once: q.Once}, endpoint, q, bearer)
}
