package landing

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"

	"nightjar/load/ref"
)

// Run is what a run's journal said when it was read.
type Run struct {
	Header  Header
	Windows []WindowEnd // in the order in which they ended
	End     *End        // nil for a run that died, or is still going on
	Marks   []Mark      // in the order in which they were made
	Landed  int         // how many pages have landed
	// Damage says that a line of the journal is damaged although the run went on
	// after it. What stands before it counts, and so do the end and the marks behind
	// it; windows and pages behind it are not known. Nil as a rule.
	Damage *CorruptError

	path string
	size int64 // bytes of the journal that count
	tail int64 // bytes of the journal behind those, that are kept
}

// Ref names what the run has landed.
func (r *Run) Ref() ref.Run { return r.Header.Ref() }

// Runs reads the journals of a stream, oldest run first. A run that died before
// its header was whole has landed nothing and is left out. Of those that unread picks,
// nil for none, the journals are not read: they have a Header with their name, and no
// more.
func (z *Zone) Runs(s ref.Stream, unread func(ref.RunID) bool) ([]*Run, error) {
	ids, err := z.RunIDs(s)
	if err != nil {
		return nil, err
	}
	var runs []*Run
	for _, id := range ids {
		if unread != nil && unread(id) {
			runs = append(runs, &Run{Header: Header{Source: s.Source, Stream: s.Name, RunID: id}})
			continue
		}
		r, err := z.Run(s.Run(id))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	return runs, nil
}

// Run reads the journal of one run. fs.ErrNotExist is in the error's chain where
// there is no such run, or one that died before its header was whole.
//
// What a crash leaves at the end of a journal is no part of it. A line that is
// damaged although the run went on is the run's Damage.
func (z *Zone) Run(run ref.Run) (*Run, error) {
	if err := run.Check(); err != nil {
		return nil, err
	}
	r := &Run{
		Header: Header{Source: run.Stream.Source, Stream: run.Stream.Name, RunID: run.ID, Started: run.ID.Started()},
		path:   z.path(run.Journal()),
	}
	f, err := os.Open(r.path)
	if err != nil {
		return nil, fmt.Errorf("reading the journal of a run: %w", err)
	}
	defer f.Close()
	damaged := false
	for line, err := range lines(f) {
		if err != nil {
			return nil, fmt.Errorf("reading the journal of a run: %w", err)
		}
		kind := kindOf(line)
		if damaged = damaged || kind == ""; damaged {
			if err := r.takeBehind(kind, line); err != nil {
				return nil, &CorruptError{Ref: run.Journal(), Err: err}
			}
			continue
		}
		if err := r.take(kind, line); err != nil {
			return nil, &CorruptError{Ref: run.Journal(), Err: fmt.Errorf("at byte %d: %w", r.size, err)}
		}
		r.size += int64(len(line)) + 1
	}
	if r.Damage != nil {
		info, err := f.Stat()
		if err != nil {
			return nil, fmt.Errorf("reading the journal of a run: %w", err)
		}
		r.tail = info.Size() - r.size
		return r, nil
	}
	if r.size == 0 {
		return nil, fmt.Errorf("reading the journal of %s: it has no header: %w", r.Ref(), fs.ErrNotExist)
	}
	return r, nil
}

// take adds one whole line to what is known of the run.
func (r *Run) take(kind string, line []byte) error {
	if (r.size == 0) != (kind == headerLine) {
		return fmt.Errorf("a %s line is out of place", kind)
	}
	switch kind {
	case headerLine:
		return r.takeHeader(line)
	case windowLine:
		var w WindowEnd
		err := json.Unmarshal(line, &w)
		r.Windows = append(r.Windows, w)
		return err
	case pageLine:
		r.Landed++
	}
	return r.takeWord(kind, line)
}

// takeWord adds a line that is said of the run as a whole, and nothing of others.
func (r *Run) takeWord(kind string, line []byte) error {
	switch kind {
	case endLine:
		r.End = new(End)
		return json.Unmarshal(line, r.End)
	case markLine:
		var m Mark
		err := json.Unmarshal(line, &m)
		r.Marks = append(r.Marks, m)
		return err
	}
	return nil
}

// takeBehind takes a line behind a damaged one: only what is said of the run as a
// whole.
func (r *Run) takeBehind(kind string, line []byte) error {
	if kind == "" {
		return nil
	}
	if r.Damage == nil {
		r.Damage = &CorruptError{Ref: r.Ref().Journal(), Err: fmt.Errorf("a line is damaged at byte %d", r.size)}
	}
	return r.takeWord(kind, line)
}

func (r *Run) takeHeader(line []byte) error {
	var h headerRecord
	if err := json.Unmarshal(line, &h); err != nil {
		return err
	}
	if h.Format > journalFormat {
		return fmt.Errorf("the journal has format %d, this program reads up to %d", h.Format, journalFormat)
	}
	if h.Ref() != r.Ref() {
		return fmt.Errorf("the journal is of %s", h.Ref())
	}
	r.Header = h.Header
	return nil
}

// Pages yields what landed, in the order of landing, as far as the journal went
// when the run was read. It streams: memory does not grow with the run. An error
// is yielded at most once and ends the sequence.
func (r *Run) Pages() iter.Seq2[Landed, error] {
	return func(yield func(Landed, error) bool) {
		f, err := os.Open(r.path)
		if err != nil {
			yield(Landed{}, fmt.Errorf("reading the pages of %s: %w", r.Ref(), err))
			return
		}
		defer f.Close()
		var known queries
		for line, err := range lines(io.LimitReader(f, r.size)) {
			if err != nil {
				yield(Landed{}, fmt.Errorf("reading the pages of %s: %w", r.Ref(), err))
				return
			}
			l, err := r.page(line, &known)
			if err != nil {
				yield(Landed{}, &CorruptError{Ref: r.Ref().Journal(), Err: err})
				return
			}
			if l.Seq > 0 && !yield(l, nil) {
				return
			}
		}
	}
}

// Page finds a page that landed by its number.
func (r *Run) Page(seq int) (found Landed, has bool, err error) {
	for page, err := range r.Pages() {
		if err != nil || page.Seq == seq {
			return page, err == nil, err
		}
	}
	return Landed{}, false, nil
}

// page returns the page of a page line, and a zero Landed for other lines.
func (r *Run) page(line []byte, known *queries) (Landed, error) {
	switch kindOf(line) {
	case pageLine:
		return decodePage(line, r.Header, *known)
	case textLine:
		var q queryLine
		if err := json.Unmarshal(line, &q); err != nil {
			return Landed{}, err
		}
		known.add(q)
	case "":
		return Landed{}, errors.New("a line is damaged")
	}
	return Landed{}, nil
}

// Mark adds a durable note to a run that is not being written. What a crash left
// at the end of its journal is cut off first; of a damaged one nothing is.
func (z *Zone) Mark(r *Run, m Mark) error {
	line, err := appendLine(nil, markLine, m)
	if err != nil {
		return err
	}
	fresh, err := z.Run(r.Ref())
	if err != nil {
		return fmt.Errorf("marking a run: %w", err)
	}
	f, err := z.disk.Open(fresh.path)
	if err != nil {
		return fmt.Errorf("marking a run: %w", err)
	}
	j := growing{f: f, size: fresh.size + fresh.tail}
	if fresh.Damage != nil {
		line = append([]byte("\n"), line...) // its last line may be cut
	}
	if err = f.Truncate(j.size); err == nil {
		err = j.append(line)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("marking %s: %w", r.Ref(), err)
	}
	fresh.Marks = append(fresh.Marks, m)
	if fresh.Damage != nil {
		fresh.tail = j.size - fresh.size
	} else {
		fresh.size = j.size
	}
	*r = *fresh
	return nil
}
