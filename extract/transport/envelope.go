package transport

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"io"
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
// object, in one pass, in which read is shown the data: the whole of an answer that
// is not wrapped. The text says what is wrong, without a word of the answer.
func open(b []byte, read func(*jx.Decoder) error, wrapped bool) (envelope, string) {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return envelope{}, "empty answer"
	}
	found := envelope{read: read}
	d := jx.DecodeBytes(b)
	var err error
	switch {
	case !wrapped && read != nil:
		err = read(d)
	case b[0] == '{':
		found.object = b
		err = d.ObjBytes(found.member)
	default:
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

// listed reports whether the answer has a list of errors, as GraphQL servers give
// it and gateways do not.
func (e envelope) listed() bool { return len(e.failures) > 0 && e.failures[0] == '[' }

// markup reports whether the answer is a web page.
func (r *reading) markup() bool {
	return strings.Contains(r.header.Get("Content-Type"), "html") || bytes.HasPrefix(bytes.TrimSpace(r.body), []byte("<"))
}

var (
	hidden = regexp.MustCompile(`(?is)<(script|style|head)\b.*?</(script|style|head)>|<!--.*?-->|<[^>]*>`)
	title  = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
)

// prose reports whether the answer calls itself plain text, or nothing at all, and
// has nothing of JSON.
func (r *reading) prose() bool {
	kind := r.header.Get("Content-Type")
	return (kind == "" || strings.HasPrefix(kind, "text/plain")) && !bytes.ContainsAny(r.body[:min(len(r.body), longestExcerpt)], `{}[]"`)
}

// longestExcerpt is the bytes of a page that are looked at for its first words. A
// page that hides them behind more than that is shown without them.
const longestExcerpt = 16 << 10

// excerpt is what a reader of the page would see first. It is to be cut only
// after it is cleaned: half a secret is not recognised. So is the word that the
// end of what is looked at falls into.
func excerpt(b []byte) string {
	if len(b) > longestExcerpt {
		b = b[:max(bytes.LastIndexAny(b[:longestExcerpt], " \t\r\n<>"), 0)]
	}
	var text string
	if m := title.FindSubmatch(b); m != nil {
		text = string(m[1]) + " "
	}
	text += hidden.ReplaceAllString(string(b), " ")
	return strings.Join(strings.Fields(html.UnescapeString(text)), " ")
}

// mostValues is how many JSON values an answer may hold, wherever they stand. A
// page of a hundred rich records has some ten thousand; two bytes of an answer can
// be a value, and a parser spends a hundred on it.
const mostValues = 1_000_000

// tooMany reports whether a JSON text holds more than most values. Every value but
// the first follows a comma or the bracket that it is the first within, so that
// these are counted; empty brackets count twice. The text need not be valid.
func tooMany(b []byte, most int) bool {
	if len(b) <= most || bytes.Count(b, []byte(","))+bytes.Count(b, []byte("["))+bytes.Count(b, []byte("{")) <= most {
		return false // whatever of them stands in strings
	}
	values := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case ',', '[', '{':
			values++
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		}
	}
	return values > most
}

// shorten cuts text to n runes.
func shorten(text string, n int) string {
	if runes := []rune(text); len(runes) > n {
		return string(runes[:n]) + "…"
	}
	return text
}
