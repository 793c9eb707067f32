package landing

import "fmt"

// entry is a page, or a line of the journal, on its way to the disk.
type entry struct {
	landed Landed
	write  bool    // see Page
	body   []byte  // nil for a line
	line   []byte  // nil for a page and for Sync
	member *[]byte // what is to be written of a page, once it is ready
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

// inPage says in err which page could not be landed.
func inPage(e *entry, err *error) {
	if *err != nil {
		*err = fmt.Errorf("landing page %s: %w", e.landed.Ref, *err)
	}
}
