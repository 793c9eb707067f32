package transport

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
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
	return slices.ContainsFunc(e.Errors, func(g GraphQLError) bool { return strings.EqualFold(g.RetryPolicy, "NO_RETRY") })
}

// GraphQLError is one error of a vendor's answer, with what its extensions say.
type GraphQLError struct {
	Message     string
	Path        string // "closedConversations.edges.3.node", empty where the whole request failed
	Name        string // extensions.name, iAdvize's stable id
	Code        string // extensions.code
	RetryPolicy string // extensions.retryPolicy: "NO_RETRY" is obeyed
	Status      int    // a status that stands in the extensions; zero if none
}

// Errors returns the errors that the vendor listed in the answer behind err, nil
// if there are none.
func Errors(err error) []GraphQLError {
	if answer, ok := errors.AsType[*AnswerError](err); ok {
		return answer.Errors
	}
	return nil
}

// String is the message with its place and its ids.
func (g GraphQLError) String() string {
	text := cmp.Or(shorten(g.Message, 300), "no message")
	if g.Path != "" {
		text = g.Path + ": " + text
	}
	var ids []string
	for _, id := range []struct{ name, value string }{{"name", g.Name}, {"code", g.Code}, {"retryPolicy", g.RetryPolicy}} {
		if id.value != "" {
			ids = append(ids, id.name+" "+id.value)
		}
	}
	if g.Status != 0 {
		ids = append(ids, "status "+strconv.Itoa(g.Status))
	}
	if len(ids) > 0 {
		text += " (" + strings.Join(ids, ", ") + ")"
	}
	return text
}

// list names every error, equal ones once with their number, twenty at most.
func list(all []GraphQLError) string {
	const most = 20
	var texts []string
	times := map[string]int{}
	for _, g := range all {
		text := g.String()
		if times[text]++; times[text] == 1 {
			texts = append(texts, text)
		}
	}
	more := ""
	if len(texts) > most {
		more = fmt.Sprintf("; and %d more", len(texts)-most)
		texts = texts[:most]
	}
	for i, text := range texts {
		if n := times[text]; n > 1 {
			texts[i] = fmt.Sprintf("%s [%d times]", text, n)
		}
	}
	return strings.Join(texts, "; ") + more
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
