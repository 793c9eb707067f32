package transport

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/valyala/fastjson"
)

// deepest is how deep an answer may nest; the validator recurses.
const deepest = 128

// envelope is the outermost object of an answer: the raw bytes of its members
// that matter. All are nil where the answer is no object.
type envelope struct {
	data     []byte
	failures []byte // "errors"
	object   []byte // the whole object, for REST errors that stand in other members
}

// open validates the answer in full and finds the members of its outermost
// object. The text says what is wrong, without a word of the answer.
func open(b []byte) (envelope, string) {
	if len(bytes.TrimSpace(b)) == 0 {
		return envelope{}, "empty answer"
	}
	s := scanner{b: b}
	if err := s.scan(); err != "" {
		return envelope{}, err
	}
	if fastjson.ValidateBytes(b) != nil {
		return envelope{}, fmt.Sprintf("not valid JSON (%d bytes)", len(b))
	}
	return s.found, ""
}

func (e envelope) hasData() bool {
	return e.data != nil && string(e.data) != "null"
}

// scanner finds the members of the outermost object in one pass that skips
// strings by their quotes. It accepts more than JSON does; the validator has
// the last word. What it does refuse, unknown words and great depth, are the
// inputs on which the validator would take memory without bound.
type scanner struct {
	b     []byte
	found envelope

	depth int
	key   string // the member of the outermost object that is being read
	start int    // where its value begins; zero outside a value
	last  string // the last string at depth 1, a key if a colon follows
}

func (s *scanner) scan() string {
	for i := 0; i < len(s.b); i++ {
		switch c := s.b[i]; c {
		case '"':
			end := closing(s.b, i+1)
			if end < 0 {
				return fmt.Sprintf("answer cut within a string after %d bytes", len(s.b))
			}
			if s.depth == 1 && s.start == 0 {
				s.last = unquote(s.b[i : end+1])
			}
			i = end
		case '{', '[':
			if s.depth++; s.depth > deepest {
				return fmt.Sprintf("JSON nested deeper than %d", deepest)
			}
		case ':':
			if s.depth == 1 && s.start == 0 {
				s.key, s.start = s.last, i+1
			}
		case ',', '}', ']':
			if s.depth == 1 && s.start > 0 {
				s.keep(bytes.TrimSpace(s.b[s.start:i]))
			}
			if c != ',' {
				s.depth--
			}
		case 't', 'f', 'n':
			word := literal(s.b[i:])
			if word == 0 {
				return fmt.Sprintf("not valid JSON (%d bytes)", len(s.b))
			}
			i += word - 1
		default:
			if strings.IndexByte(" \t\r\n0123456789+-.eE", c) < 0 {
				return fmt.Sprintf("not valid JSON (%d bytes)", len(s.b))
			}
		}
		if s.depth < 0 {
			return fmt.Sprintf("not valid JSON (%d bytes)", len(s.b))
		}
	}
	if s.depth > 0 {
		return fmt.Sprintf("answer cut after %d bytes", len(s.b))
	}
	if b := bytes.TrimSpace(s.b); b[0] == '{' {
		s.found.object = b
	}
	return ""
}

func (s *scanner) keep(value []byte) {
	switch {
	case s.key == "data" && !s.found.hasData():
		s.found.data = value
	case s.key == "errors" && (s.found.failures == nil || string(s.found.failures) == "null"):
		s.found.failures = value
	}
	s.key, s.start = "", 0
}

// closing returns the index of the quote that ends the string whose text begins
// at from; negative where there is none.
func closing(b []byte, from int) int {
	for i := from; ; {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return -1
		}
		end, escapes := i+n, 0
		for end-escapes > from && b[end-escapes-1] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return end
		}
		i = end + 1
	}
}

func unquote(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	var s string
	if json.Unmarshal(quoted, &s) != nil {
		return ""
	}
	return s
}

// literal is the length of the word that b begins with; zero if JSON has none such.
func literal(b []byte) int {
	for _, word := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(b, []byte(word)) {
			return len(word)
		}
	}
	return 0
}

// markup reports whether the answer is a web page.
func markup(res *http.Response, b []byte) bool {
	return strings.Contains(res.Header.Get("Content-Type"), "html") || bytes.HasPrefix(bytes.TrimSpace(b), []byte("<"))
}

var (
	hidden = regexp.MustCompile(`(?is)<(script|style|head)\b.*?</(script|style|head)>|<!--.*?-->|<[^>]*>`)
	title  = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
)

// excerpt is what a reader of the page would see first. It is to be cut only
// after it is cleaned: half a secret is not recognised.
func excerpt(b []byte) string {
	b = b[:min(len(b), 4096)]
	var text string
	if m := title.FindSubmatch(b); m != nil {
		text = string(m[1]) + " "
	}
	text += hidden.ReplaceAllString(string(b), " ")
	return strings.Join(strings.Fields(text), " ")
}

// shorten cuts text to n runes.
func shorten(text string, n int) string {
	if runes := []rune(text); len(runes) > n {
		return string(runes[:n]) + "…"
	}
	return text
}
