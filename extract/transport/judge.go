package transport

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"nightjar/extract"
)

// judge makes an Answer of what is one, and an *extract.Error of everything else.
func (c *Client) judge(next reader) asker {
	return func(x *exchange, req *http.Request) (*Answer, error) {
		got, err := next(req)
		switch {
		case errors.Is(err, errLate):
			return nil, c.fail(extract.TimedOut, fmt.Errorf("no whole answer within %s", c.cfg.Timeout))
		case errors.Is(err, errTooLarge):
			return nil, c.fail(extract.TooLarge, fmt.Errorf("answer passes the size cap of %d bytes", c.cfg.MaxBody))
		case err != nil && req.Context().Err() != nil:
			return nil, req.Context().Err()
		case err != nil && elsewhere(err):
			hidden := hide(x, req)
			return nil, c.fail(extract.Misdirected, fmt.Errorf("%s: %w", hidden.in(bareAddress(req.URL)), onTheWay(err, hidden)))
		case err != nil:
			return nil, c.fail(extract.Unreachable, onTheWay(err, hide(x, req)))
		}
		if tooMany(got.body, mostValues) {
			return nil, c.fail(extract.TooLarge, fmt.Errorf("answer holds more than %d JSON values", mostValues))
		}
		kind, bad := verdict(x, got)
		if bad == nil {
			header := got.header.Clone()
			header.Del("Set-Cookie")
			return &Answer{Body: got.body, Status: got.status, Header: header, At: got.at}, nil
		}
		if kind == extract.Misdirected {
			bad.Address = bareAddress(req.URL)
		}
		hide(x, req).clean(bad)
		return nil, c.fail(kind, bad)
	}
}

// noData is the detail of a GraphQL answer that is an empty shell.
const noData = "answer holds neither data nor errors"

// verdict is what is wrong with the answer; nil if nothing is.
func verdict(x *exchange, got *reading) (extract.Kind, *AnswerError) {
	bad := &AnswerError{Status: got.status}
	wrapped := x.graphql || got.status >= 300 // what REST was asked for stands bare
	envelope, detail := open(got.body, x.read, wrapped)
	if got.cut != nil {
		detail = fmt.Sprintf("answer cut after %d bytes", len(got.body))
	}
	bad.Errors = envelope.errors(wrapped)
	kind := ofStatus(got.status)
	switch {
	case kind == extract.Throttled:
	case slices.ContainsFunc(bad.Errors, GraphQLError.expired) || got.status == http.StatusUnauthorized:
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
	if x.signIn && kind == extract.Refused && got.status <= http.StatusBadRequest {
		kind = extract.Denied // OAuth 2 answers 400 invalid_grant, GraphQL a plain error
	}
	if kind == extract.Throttled || kind == extract.Failing {
		bad.wait = asked(got.header, time.Now())
	}
	bad.Detail = explain(got, detail, len(bad.Errors) > 0)
	return kind, bad
}

// explain says in words what came instead of an answer. JSON is never quoted, nor
// what may be a piece of it: it may hold what customers wrote.
func explain(got *reading, detail string, listed bool) string {
	switch {
	case got.status >= 300 && got.status < 400:
		return redirect(got)
	case listed:
		return ""
	case detail == "" && len(got.body) <= len(`{ }`)+1:
		return "empty JSON"
	case detail == "":
		return ""
	case got.markup():
		return `HTML instead of JSON: "` + excerpt(got.body) + `"`
	case got.status >= 300 && got.prose():
		return `text instead of JSON: "` + excerpt(got.body) + `"`
	}
	return detail
}

// redirect names the other host and nothing of its path.
func redirect(got *reading) string {
	to, err := url.Parse(got.header.Get("Location"))
	if err != nil || to.Host == "" {
		return "redirects are not followed"
	}
	return fmt.Sprintf("redirect to %s is not followed: the token is for one host", to.Host)
}
