package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"nightjar/extract"
)

// AnswerError is why an answer was not taken for one.
type AnswerError struct {
	Address string         // what was asked, without credentials, where that is what is wrong; empty otherwise
	Status  int            // HTTP status
	Errors  []GraphQLError // every error that the vendor listed, REST ones included
	Detail  string         // what else is wrong; empty where Errors say it
	Expired bool           // the token is not, or no longer, accepted
	wait    time.Duration  // what the vendor asks to wait; zero if it does not
}

// Error names the status, then every error of the vendor.
func (e *AnswerError) Error() string {
	parts := []string{fmt.Sprintf("status %d", e.Status)}
	if e.Address != "" {
		parts = append([]string{e.Address}, parts...)
	}
	if e.Detail != "" {
		parts = append(parts, e.Detail)
	}
	if len(e.Errors) > 0 {
		parts = append(parts, list(e.Errors))
	}
	return strings.Join(parts, ": ")
}

// final reports whether the vendor says not to ask again.
func (e *AnswerError) final() bool {
	for _, g := range e.Errors {
		if strings.EqualFold(g.RetryPolicy, "NO_RETRY") {
			return true
		}
	}
	return false
}

// judge turns everything that is no answer into an *extract.Error.
func (c *Client) judge(next roundTripper) roundTripper {
	return func(req *http.Request) (*http.Response, error) {
		res, err := next(req)
		switch {
		case errors.Is(err, errLate):
			return nil, c.fail(extract.TimedOut, fmt.Errorf("no whole answer within %s", c.cfg.Timeout))
		case errors.Is(err, errTooLarge):
			return nil, c.fail(extract.TooLarge, fmt.Errorf("answer passes the size cap of %d bytes", c.cfg.MaxBody))
		case err != nil && req.Context().Err() != nil:
			return nil, req.Context().Err()
		case err != nil && elsewhere(err):
			hidden := hide(req)
			return nil, c.fail(extract.Misdirected, fmt.Errorf("%s: %w", hidden.in(bareAddress(req.URL)), onTheWay(err, hidden)))
		case err != nil:
			return nil, c.fail(extract.Unreachable, onTheWay(err, hide(req)))
		}
		if tooMany(res.Body.(*body).bytes, mostValues) {
			return nil, c.fail(extract.TooLarge, fmt.Errorf("answer holds more than %d JSON values", mostValues))
		}
		kind, bad := verdict(exchangeOf(req.Context()), res)
		if bad == nil {
			return res, nil
		}
		if kind == extract.Misdirected {
			bad.Address = bareAddress(req.URL)
		}
		hide(req).clean(bad)
		return nil, c.fail(kind, bad)
	}
}

// noData is the detail of a GraphQL answer that is an empty shell.
const noData = "answer holds neither data nor errors"

// verdict is what is wrong with the answer; nil if nothing is.
func verdict(x *exchange, res *http.Response) (extract.Kind, *AnswerError) {
	got := res.Body.(*body)
	bad := &AnswerError{Status: res.StatusCode}
	wrapped := x.graphql || res.StatusCode >= 300 // what REST was asked for stands bare
	envelope, detail := open(got.bytes, x.read, wrapped)
	if got.err != nil {
		detail = fmt.Sprintf("answer cut after %d bytes", len(got.bytes))
	}
	bad.Errors = envelope.errors(wrapped)
	kind := ofStatus(res.StatusCode)
	switch {
	case kind == extract.Throttled:
	case anyExpired(bad.Errors) || res.StatusCode == http.StatusUnauthorized:
		kind, bad.Expired = extract.Denied, true
	case kind == extract.Misdirected && x.graphql && envelope.listed(): // GraphQL is spoken there
		kind = refine(extract.Refused, bad.Errors)
	case kind == extract.Misdirected:
	case kind != "" && len(bad.Errors) > 0:
		kind = refine(kind, bad.Errors)
	case kind == "" && len(bad.Errors) > 0:
		kind = ofErrors(bad.Errors)
	case kind == "" && detail != "":
		kind = extract.Garbled
	case kind == "" && x.graphql && !envelope.hasData:
		kind, detail = extract.Garbled, noData
	case kind == "":
		return "", nil
	}
	if x.signIn && kind == extract.Refused && res.StatusCode <= http.StatusBadRequest {
		kind = extract.Denied // OAuth 2 answers 400 invalid_grant, GraphQL a plain error
	}
	if kind == extract.Throttled || kind == extract.Failing {
		bad.wait = asked(res.Header, time.Now())
	}
	bad.Detail = explain(res, got, detail, len(bad.Errors) > 0)
	return kind, bad
}

// explain says in words what came instead of an answer. JSON is never quoted, nor
// what may be a piece of it: it may hold what customers wrote.
func explain(res *http.Response, got *body, detail string, listed bool) string {
	switch {
	case res.StatusCode >= 300 && res.StatusCode < 400:
		return redirect(res)
	case listed:
		return ""
	case detail == "" && len(got.bytes) <= len(`{ }`)+1:
		return "empty JSON"
	case detail == "":
		return ""
	case markup(res, got.bytes):
		return `HTML instead of JSON: "` + excerpt(got.bytes) + `"`
	case res.StatusCode >= 300 && prose(res, got.bytes):
		return `text instead of JSON: "` + excerpt(got.bytes) + `"`
	}
	return detail
}

// redirect names the other host and nothing of its path.
func redirect(res *http.Response) string {
	to, err := url.Parse(res.Header.Get("Location"))
	if err != nil || to.Host == "" {
		return "redirects are not followed"
	}
	return fmt.Sprintf("redirect to %s is not followed: the token is for one host", to.Host)
}

// ofStatus is the kind that a status means by itself; empty for 2xx.
func ofStatus(status int) extract.Kind {
	switch {
	case status >= 200 && status < 300:
		return ""
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		return extract.Denied
	case status == http.StatusTooManyRequests:
		return extract.Throttled
	case nothingThere(status):
		return extract.Misdirected
	case status == http.StatusRequestEntityTooLarge:
		return extract.TooLarge
	case status == http.StatusRequestTimeout, status == http.StatusGatewayTimeout:
		return extract.TimedOut
	case status >= 500:
		return extract.Failing
	}
	return extract.Refused
}

// withoutURL is err without the address that was asked, which may hold
// credentials in its user part or its query.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	return err
}
