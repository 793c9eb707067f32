// Package ref names what lands: streams, runs, pages and journals. A name is parsed,
// checked and printed here and nowhere else, since it becomes a path: what a person or
// a file says of one goes through Parse. It is pure.
package ref

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var identifier = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// IsIdentifier reports whether a text may be the name of a source or of a stream: a-z,
// 0-9 and _, beginning with a letter.
func IsIdentifier(text string) bool { return identifier.MatchString(text) }

// Stream names one kind of record of one source. As text, and so as a key of JSON, it is
// "iadvize/closed_conversations".
type Stream struct {
	Source string // "iadvize"
	Name   string // "closed_conversations"
}

// ParseStream reads the text of a stream.
func ParseStream(text string) (Stream, error) {
	source, name, _ := strings.Cut(text, "/")
	s := Stream{source, name}
	return s, s.Check()
}

// Check refuses names that must not become a path.
func (s Stream) Check() error {
	switch {
	case !IsIdentifier(s.Source):
		return fmt.Errorf("source %q is not an identifier (a-z, 0-9 and _)", s.Source)
	case !IsIdentifier(s.Name):
		return fmt.Errorf("stream %q is not an identifier (a-z, 0-9 and _)", s.Name)
	}
	return nil
}

// Compare orders streams as their texts are ordered.
func (s Stream) Compare(other Stream) int { return strings.Compare(s.String(), other.String()) }

func (s Stream) String() string { return s.Source + "/" + s.Name }

// MarshalText writes the stream as it prints.
func (s Stream) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Stream) UnmarshalText(text []byte) (err error) {
	*s, err = ParseStream(string(text))
	return err
}

// Run names what one run has landed of the stream.
func (s Stream) Run(id RunID) Run { return Run{s, id} }

// RunID names a run, or a decision that a person took, by the instant at which it began:
// "20261120T021500.000Z". In order of text they are in order of time. Empty is none.
type RunID string

const runIDLayout = "20060102T150405.000Z"

// RunIDAt is the name of what begins at an instant.
func RunIDAt(at time.Time) RunID { return RunID(at.UTC().Format(runIDLayout)) }

// Check refuses what RunIDAt does not write.
func (id RunID) Check() error {
	if t, err := time.Parse(runIDLayout, string(id)); err != nil || RunIDAt(t) != id {
		return fmt.Errorf("run id %q is not of the form 20261120T021500.000Z", string(id))
	}
	return nil
}

// Started is when the run began; zero where the id is none.
func (id RunID) Started() time.Time {
	t, err := time.Parse(runIDLayout, string(id))
	if err != nil {
		return time.Time{}
	}
	return t
}

// Next is the first id after this one, a millisecond later.
func (id RunID) Next() RunID { return RunIDAt(id.Started().Add(time.Millisecond)) }

// Run names what one run has landed of one stream.
type Run struct {
	Stream Stream
	ID     RunID
}

// Check refuses names that must not become a path.
func (r Run) Check() error { return errors.Join(r.Stream.Check(), r.ID.Check()) }

// String is "iadvize/closed_conversations/20261120T021500.000Z".
func (r Run) String() string { return r.Stream.String() + "/" + string(r.ID) }

// Page names the page of a number, from 1 on.
func (r Run) Page(seq int) Page { return Page{r, seq} }

// Journal names the run's journal.
func (r Run) Journal() Page { return Page{Run: r} }

// JournalName is the file name of a journal, and its part of the reference.
const JournalName = "journal.jsonl"

// Page is the reference of a landed page, or of the journal of a run: what may be
// damaged, set aside or left out.
type Page struct {
	Run Run
	Seq int // counts from 1 within the run; 0 is the journal
}

// Journal reports whether the reference is to a journal.
func (p Page) Journal() bool { return p.Seq == 0 }

// String is "iadvize/closed_conversations/20261120T021500.000Z/000012", or ends in the
// name of a journal. A journal's is its path below the landing zone; a page's is its run's,
// and its number there.
func (p Page) String() string {
	if p.Journal() {
		return p.Run.String() + "/" + JournalName
	}
	return fmt.Sprintf("%s/%06d", p.Run, p.Seq)
}

// What String writes, and nothing else: a page has one name.
var pageNumber = regexp.MustCompile(`^([0-9]{6}|[1-9][0-9]{6,17})$`)

// ParsePage reads a reference. It may come from outside, so it is checked part by part.
func ParsePage(text string) (Page, error) {
	part := strings.Split(text, "/")
	if len(part) != 4 || part[3] != JournalName && !pageNumber.MatchString(part[3]) {
		return Page{}, fmt.Errorf("%q is no reference to a landed page", text)
	}
	p := Page{Run: Run{Stream{part[0], part[1]}, RunID(part[2])}}
	if err := p.Run.Check(); err != nil {
		return Page{}, fmt.Errorf("reading the reference %q: %w", text, err)
	}
	if part[3] == JournalName {
		return p, nil
	}
	n, err := strconv.Atoi(part[3])
	if err != nil || n == 0 {
		return Page{}, fmt.Errorf("%q is no reference to a landed page", text)
	}
	p.Seq = n
	return p, nil
}

// CutPage splits the text of a page's reference into that of its run and its number; 0
// where it is none. It checks nothing and allocates nothing: rows carry such texts.
func CutPage(text string) (run string, seq int) {
	cut := strings.LastIndexByte(text, '/')
	n, err := strconv.Atoi(text[cut+1:])
	if cut < 0 || err != nil || n < 1 {
		return "", 0
	}
	return text[:cut], n
}
