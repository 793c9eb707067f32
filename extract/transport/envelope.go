package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/go-faster/jx"
)

// envelope is the outermost object of an answer: the raw bytes of its members
// that matter. All are nil where the answer is no object.
type envelope struct {
	data     []byte
	failures []byte // "errors"
	object   []byte // the whole object, for REST errors that stand in other members
}

// open validates the answer in full and finds the members of its outermost
// object, in one pass. The text says what is wrong, without a word of the answer.
func open(b []byte) (envelope, string) {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return envelope{}, "empty answer"
	}
	var found envelope
	d := jx.DecodeBytes(b)
	var err error
	if b[0] == '{' {
		found.object = b
		err = d.ObjBytes(found.member)
	} else {
		err = d.Skip()
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return envelope{}, fmt.Sprintf("answer cut after %d bytes", len(b))
	case err != nil, d.Skip() != io.EOF: // also what nests deeper than the library's 10,000 levels
		return envelope{}, fmt.Sprintf("not valid JSON (%d bytes)", len(b))
	}
	return found, ""
}

// member reads one member of the outermost object. Of members of the same name the
// first that says something counts.
func (e *envelope) member(d *jx.Decoder, name []byte) error {
	raw, err := d.Raw()
	if err != nil {
		return err
	}
	value := bytes.TrimSpace(raw)
	switch {
	case string(name) == "data" && !e.hasData():
		e.data = value
	case string(name) == "errors" && (e.failures == nil || string(e.failures) == "null"):
		e.failures = value
	}
	return nil
}

func (e envelope) hasData() bool {
	return e.data != nil && string(e.data) != "null"
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
