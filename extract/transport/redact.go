package transport

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"sort"
	"strings"

	"nightjar/extract"
)

const redacted = "[redacted]"

// credential finds what looks like one, wherever it came from: a bearer token, a
// JWT, a named secret in JSON or in a form.
var credential = regexp.MustCompile(`(?i)bearer\s+[\w.~+/=-]{4,}|eyJ[\w-]{8,}\.[\w-]+\.?[\w-]*|` +
	`\b(?:access_token|refresh_token|token|password|secret|api_?key)["']?\s*[:=]\s*["']?[^"'\s,;&}]{4,}`)

// secrets are the values that one request carries and no message may show.
type secrets []string

// hide collects what req, an attempt of x, carries: its token and, where it is a
// sign-in, every value of its form or its variables. A vendor's error may quote
// any of them.
func hide(x *exchange, req *http.Request) secrets {
	var s secrets
	if _, token, ok := strings.Cut(req.Header.Get("Authorization"), " "); ok {
		s = s.add(token)
	}
	for _, secret := range x.secrets {
		s = s.add(secret)
	}
	if x.signIn && req.GetBody != nil {
		s = s.ofBody(req)
	}
	// The longest first: one may be part of another.
	sort.Slice(s, func(i, j int) bool { return len(s[i]) > len(s[j]) })
	return s
}

func (s secrets) ofBody(req *http.Request) secrets {
	r, err := req.GetBody()
	if err != nil {
		return s
	}
	defer r.Close()
	sent, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if err != nil {
		return s
	}
	var request struct {
		Variables any `json:"variables"`
	}
	if json.Unmarshal(sent, &request) == nil {
		return s.leaves(request.Variables)
	}
	form, err := url.ParseQuery(string(sent))
	if err != nil {
		return s
	}
	for name, values := range form {
		if name == "grant_type" {
			continue
		}
		for _, value := range values {
			s = s.add(value)
		}
	}
	return s
}

func (s secrets) leaves(v any) secrets {
	switch v := v.(type) {
	case string:
		return s.add(v)
	case map[string]any:
		for _, inner := range v {
			s = s.leaves(inner)
		}
	case []any:
		for _, inner := range v {
			s = s.leaves(inner)
		}
	}
	return s
}

// add takes value, and its forms as an address spells it. Shorter ones would
// blank out plain words.
func (s secrets) add(value string) secrets {
	if len(value) < 4 {
		return s
	}
	s = append(s, value)
	for _, escaped := range []string{url.QueryEscape(value), url.PathEscape(value)} {
		if escaped != value {
			s = append(s, escaped)
		}
	}
	return s
}

// in returns text without the secrets.
func (s secrets) in(text string) string {
	for _, secret := range s {
		text = strings.ReplaceAll(text, secret, redacted)
	}
	return credential.ReplaceAllString(text, redacted)
}

// The most of a vendor's words that an error keeps, in runes.
const (
	longestDetail  = 200
	longestMessage = 1000
	longestID      = 200
)

// plain is a vendor's text as an error may hold it, at most n runes of it. Secrets
// are looked for twice, since what is dropped may have stood within one.
func (s secrets) plain(text string, n int) string {
	return shorten(extract.Plain(s.in(extract.Printable(s.in(text)))), n)
}

// clean makes all that an error shows fit to be shown.
func (s secrets) clean(e *AnswerError) {
	e.Address = s.in(e.Address)
	e.Detail = s.plain(e.Detail, longestDetail)
	for i := range e.Errors {
		g := &e.Errors[i]
		g.Message = s.plain(g.Message, longestMessage)
		for _, text := range []*string{&g.Path, &g.Name, &g.Code, &g.RetryPolicy} {
			*text = s.plain(*text, longestID)
		}
	}
}
