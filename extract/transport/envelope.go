package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/go-faster/jx"
)

// envelope is what is known of the outermost object of an answer; nothing where
// the answer is no object.
type envelope struct {
	read     func(*jx.Decoder) error // of the data; nil where nobody reads it
	data     bool                    // there is a member "data"
	hasData  bool                    // and it is not null
	failures []byte                  // "errors"; nil where it is absent or null
	object   []byte                  // the whole object, for REST errors that stand in other members
}

// open validates the answer in full and finds the members of its outermost
// object, in one pass, in which read is shown the data. The text says what is
// wrong, without a word of the answer.
func open(b []byte, read func(*jx.Decoder) error) (envelope, string) {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return envelope{}, "empty answer"
	}
	found := envelope{read: read}
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
// first that is not null counts.
func (e *envelope) member(d *jx.Decoder, name []byte) error {
	null := d.Next() == jx.Null
	switch string(name) {
	case "data":
		first := !e.hasData
		e.data, e.hasData = true, e.hasData || !null
		if first && !null && e.read != nil {
			return e.read(d)
		}
	case "errors":
		if !null && e.failures == nil {
			raw, err := d.Raw()
			e.failures = bytes.TrimSpace(raw)
			return err
		}
	}
	return d.Skip()
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
