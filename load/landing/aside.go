package landing

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"nightjar/load/ref"
)

// journalLine is the type of a line of aside.jsonl that is of the journal; a page's is
// that of its line in the journal.
const journalLine = "journal"

// aside is one line of aside.jsonl.
type aside struct {
	Seq  int   `json:"seq"`            // of the page; 0 is the journal
	Size int64 `json:"size,omitempty"` // bytes of the journal that stand before its damage
}

// asides is what the aside.jsonl of a run says, as far as it has been read.
type asides struct {
	size    int64 // bytes of whole lines
	pages   map[int]bool
	journal *int64 // see aside.Size; nil where the journal is not set aside
}

func (a *asides) take(line []byte) {
	a.size += int64(len(line)) + 1
	var said aside
	switch kind := kindOf(line); {
	case kind == "" || json.Unmarshal(line, &said) != nil: // damaged itself: it says nothing
	case kind == pageLine:
		a.pages[said.Seq] = true
	case kind == journalLine:
		a.journal = &said.Size
	}
}

// SetAside records, durably, that a page of the run is damaged and is done without. What
// is left of it stays in the pack. A good copy of the pack in its place counts again.
func (z *Zone) SetAside(page Landed) error {
	if err := z.note(page.Ref.Run, pageLine, aside{Seq: page.Seq}); err != nil {
		return fmt.Errorf("setting the damaged page %s aside: %w", page.Ref, err)
	}
	return nil
}

// IsAside reports whether the page has been set aside.
func (z *Zone) IsAside(page Landed) (bool, error) {
	z.noting.Lock()
	defer z.noting.Unlock()
	a, err := z.readAsides(page.Ref.Run)
	if err != nil {
		return false, fmt.Errorf("reading whether page %s is set aside: %w", page.Ref, err)
	}
	return a.pages[page.Seq], nil
}

// SetJournalAside records, durably, that the run's journal is damaged and that
// what stands behind the damage is done without. The journal stays as it is.
func (z *Zone) SetJournalAside(r *Run) error {
	if err := z.note(r.Ref(), journalLine, aside{Size: r.size}); err != nil {
		return fmt.Errorf("setting the damage of %s aside: %w", r.Damage.Ref, err)
	}
	return nil
}

// JournalIsAside reports whether the run's damage has been set aside, and nothing
// before it has been damaged since.
func (z *Zone) JournalIsAside(r *Run) (bool, error) {
	z.noting.Lock()
	defer z.noting.Unlock()
	a, err := z.readAsides(r.Ref())
	if err != nil {
		return false, fmt.Errorf("reading whether %s is set aside: %w", r.Ref().Journal(), err)
	}
	return a.journal != nil && r.size >= *a.journal, nil
}

// readAsides reads on in the aside.jsonl of a run: what is set aside one by one is not
// read again for each. The caller holds noting.
func (z *Zone) readAsides(run ref.Run) (*asides, error) {
	f, err := os.Open(filepath.Join(z.folder(run), asideName))
	if errors.Is(err, fs.ErrNotExist) {
		delete(z.asides, run)
		return &asides{}, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	a := z.asides[run]
	if a == nil || info.Size() < a.size {
		a = &asides{pages: map[int]bool{}}
		z.asides[run] = a
	}
	for line, err := range lines(io.NewSectionReader(f, a.size, info.Size()-a.size)) {
		if err != nil {
			return nil, err
		}
		a.take(line)
	}
	return a, nil
}

// note adds a line to the aside.jsonl of a run, in the place of half a line that a crash
// has left.
func (z *Zone) note(run ref.Run, kind string, said aside) error {
	line, err := appendLine(nil, kind, said)
	if err != nil {
		return err
	}
	z.noting.Lock()
	defer z.noting.Unlock()
	a, err := z.readAsides(run)
	if err != nil {
		return err
	}
	path := filepath.Join(z.folder(run), asideName)
	f, err := z.disk.Create(path)
	if errors.Is(err, fs.ErrExist) {
		f, err = z.disk.Open(path)
	}
	if err != nil {
		return err
	}
	g := growing{f: f, size: a.size}
	if err = f.Truncate(g.size); err == nil {
		err = g.append(line)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return z.disk.SyncDir(filepath.Dir(path))
}
