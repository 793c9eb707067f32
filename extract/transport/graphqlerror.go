package transport

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-faster/jx"

	"nightjar/extract"
)

// errors reads the envelope's errors: GraphQL's list, a validator's map of field
// to messages, a text, or the members error, error_description and message.
func (e envelope) errors(failed bool) []GraphQLError {
	if !failed {
		return nil
	}
	if all := readErrors(e.failures); len(all) > 0 || e.object == nil || e.data {
		return all
	}
	plain, _ := outline(jx.DecodeBytes(e.object), 1).(map[string]any)
	code := text(plain["error"])
	for _, name := range []string{"error_description", "message", "error"} {
		if said, _ := plain[name].(string); said != "" {
			if said == code {
				code = ""
			}
			return []GraphQLError{{Message: said, Code: code}}
		}
	}
	return nil
}

func readError(item any) GraphQLError {
	object, ok := item.(map[string]any)
	if !ok {
		return GraphQLError{Message: text(item)}
	}
	g := GraphQLError{Message: text(object["message"]), Code: text(object["code"])}
	if g.Message == "" {
		g.Message = strings.TrimSpace(text(object["title"]) + " " + text(object["detail"]))
	}
	if path, ok := object["path"].([]any); ok {
		var steps []string
		for _, step := range path {
			steps = append(steps, text(step))
		}
		g.Path = strings.Join(steps, ".")
	}
	if ext, ok := object["extensions"].(map[string]any); ok {
		g.Name, g.RetryPolicy = text(ext["name"]), text(ext["retryPolicy"])
		if code := text(ext["code"]); code != "" {
			g.Code = code
		}
		g.Status = status(ext)
	}
	return g
}

// status finds an HTTP status within extensions: in exception.response.statusCode
// and in the other places where servers put it.
func status(ext map[string]any) int {
	for _, path := range [][]string{
		{"exception", "response", "statusCode"}, {"exception", "response", "status"}, {"exception", "statusCode"}, {"exception", "status"},
		{"response", "statusCode"}, {"response", "status"}, {"http", "status"}, {"statusCode"}, {"status"},
	} {
		var at any = ext
		for _, name := range path {
			object, _ := at.(map[string]any)
			at = object[name]
		}
		if n, err := strconv.Atoi(text(at)); err == nil && n >= 100 && n < 600 {
			return n
		}
	}
	return 0
}

// text is a scalar as text.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case jx.Num:
		return string(v)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// expired recognises a token that is not accepted. Aircall's newer form has the
// code UNAUTHENTICATED, its older one INTERNAL_SERVER_ERROR with status 401 in
// the exception; both say "Unauthorized".
func (g GraphQLError) expired() bool {
	return g.named("UNAUTHENTICATED", "UNAUTHORIZED", "TOKEN_EXPIRED", "EXPIRED_TOKEN", "INVALID_TOKEN") ||
		g.Status == 401 || strings.EqualFold(g.Message, "Unauthorized")
}

// internal reports whether the error is one of the vendor's own trouble, a 5xx in
// the form of GraphQL.
func (g GraphQLError) internal() bool {
	return g.named("INTERNAL_SERVER_ERROR", "INTERNAL_ERROR", "INTERNAL", "SERVICE_UNAVAILABLE", "UNAVAILABLE") || g.Status >= 500
}

// named reports whether the error goes by one of the ids, in whatever case.
func (g GraphQLError) named(ids ...string) bool {
	return slices.Contains(ids, strings.ToUpper(g.Name)) || slices.Contains(ids, strings.ToUpper(g.Code))
}

// ofErrors is the kind of an answer whose status says nothing: the worst news
// that its errors bring.
func ofErrors(all []GraphQLError) extract.Kind {
	seen := map[extract.Kind]bool{}
	for _, g := range all {
		seen[g.kind()] = true
	}
	for _, kind := range []extract.Kind{extract.Denied, extract.Refused, extract.Throttled, extract.TooLarge, extract.TimedOut} {
		if seen[kind] {
			return kind
		}
	}
	return extract.Failing
}

// refine lets the errors name a kind where the status is one that GraphQL
// servers use for everything.
func refine(kind extract.Kind, all []GraphQLError) extract.Kind {
	if kind != extract.Refused && kind != extract.Failing {
		return kind
	}
	if named := ofErrors(all); named != extract.Failing {
		return named
	}
	return kind
}

var (
	tooSlow  = regexp.MustCompile(`(?i)time[sd]?[ -]?out|deadline exceeded`)
	tooFast  = regexp.MustCompile(`(?i)rate limit|too many requests|throttl`)
	tooBig   = regexp.MustCompile(`(?i)(response|result|answer|payload)[a-z ]* too large`)
	notAsked = regexp.MustCompile(`(?i)cannot query field|unknown (argument|type|field|fragment|directive)|syntax error|unexpected <?(eof|name)|` +
		`must have a selection|has no subfields|is not defined|is required|expected type|invalid value|too many (alias|field|node)|alias(es)? (limit|exceed)|complexity|too complex|too deep|max(imum)? depth|validation|introspection`)
)

func (g GraphQLError) kind() extract.Kind {
	for _, id := range []string{g.Name, g.Code} {
		switch strings.ToUpper(id) {
		case "PERMISSION_DENIED", "FORBIDDEN", "ACCESS_DENIED":
			return extract.Denied
		case "RATE_LIMITED", "RATE_LIMIT_EXCEEDED", "TOO_MANY_REQUESTS", "THROTTLED":
			return extract.Throttled
		case "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED", "BAD_USER_INPUT", "BAD_REQUEST", "VALIDATION_ERROR", "INVALID_ARGUMENT":
			return extract.Refused
		case "TIMEOUT", "GATEWAY_TIMEOUT", "REQUEST_TIMEOUT", "DEADLINE_EXCEEDED":
			return extract.TimedOut
		}
	}
	switch kind := ofStatus(g.Status); {
	case kind == extract.Misdirected: // of something behind the server that answered
		return extract.Refused
	case g.Status >= 300 && kind != "":
		return kind
	}
	switch {
	case tooSlow.MatchString(g.Message):
		return extract.TimedOut
	case tooFast.MatchString(g.Message):
		return extract.Throttled
	case tooBig.MatchString(g.Message):
		return extract.TooLarge
	case g.Path == "" && notAsked.MatchString(g.Message):
		return extract.Refused
	}
	return extract.Failing
}
