package landing

import (
	"errors"
	"fmt"

	"nightjar/load"
)

// entry is a page, or a line of the journal, on its way to the disk.
type entry struct {
	landed Landed
	write  bool   // see Page
	body   []byte // nil for a line
	line   []byte // nil for a page and for Sync
	file   file   // written and not yet synced; the committer's to close
	err    error
	ready  chan struct{} // closed by the worker; nil for a line
	done   chan struct{} // closed by the committer when durable and handed on, or failed
}

func (e *entry) isReady() bool {
	if e.ready == nil {
		return true
	}
	select {
	case <-e.ready:
		return true
	default:
		return false
	}
}

// sync makes the entry's file durable and closes it.
func (e *entry) sync() (err error) {
	defer inPage(e, &err)
	defer load.Catch(&err)
	f := e.file
	e.file = nil
	return errors.Join(f.Sync(), f.Close())
}

// inPage says in err which page could not be landed.
func inPage(e *entry, err *error) {
	if *err != nil {
		*err = fmt.Errorf("landing page %s: %w", e.landed.Ref, *err)
	}
}
