package landing

import (
	"fmt"

	"golang.org/x/sync/errgroup"

	"nightjar/load"
)

// maxSyncs bounds the files of a group that are synced at once.
const maxSyncs = 16

// commitAll commits the entries in order, as many at once as are ready.
func (w *Writer) commitAll() {
	var group []*entry
	var next *entry // taken from order, and not ready with the group before it
	for {
		if next == nil {
			if next = <-w.order; next == nil {
				return
			}
		}
		if next.ready != nil {
			<-next.ready
		}
		group = append(group[:0], next)
		group, next = w.gather(group)
		w.commit(group)
		clear(group)
	}
}

// gather adds to the group what is ready now, and returns the first entry that is
// not; nil where there is none.
func (w *Writer) gather(group []*entry) ([]*entry, *entry) {
	for {
		select {
		case e := <-w.order:
			if e == nil || !e.isReady() {
				return group, e
			}
			group = append(group, e)
		default:
			return group, nil
		}
	}
}

// commit makes a group durable and hands it on, up to the first entry that failed.
func (w *Writer) commit(group []*entry) {
	w.syncFiles(group)
	whole := group
	for i, e := range group {
		if e.err != nil {
			whole = group[:i]
			break
		}
	}
	err := w.failure()
	if err == nil {
		err = w.record(whole)
	}
	for i, e := range group {
		if err == nil {
			err = e.err
		}
		if err == nil && i < len(whole) && e.body != nil && w.durable != nil {
			err = w.handOn(e)
		}
		w.release(e, err)
	}
}

// syncFiles makes the group's files durable, several at once: the file system
// then answers them with one commit of its own journal. It leaves none open.
func (w *Writer) syncFiles(group []*entry) {
	var syncing errgroup.Group
	syncing.SetLimit(maxSyncs)
	for _, e := range group {
		if e.file != nil {
			syncing.Go(func() error {
				e.err = e.sync() // nothing has failed before: it was written
				return nil
			})
		}
	}
	syncing.Wait()
}

// handOn gives a durable page to whoever waits for it.
func (w *Writer) handOn(e *entry) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("handing on page %s: %w", e.landed.Ref, err)
		}
	}()
	defer load.Catch(&err)
	return w.durable(e.landed, e.body)
}

// record adds a group to the journal.
func (w *Writer) record(group []*entry) error {
	if err := w.write(group); err != nil {
		return fmt.Errorf("landing the pages of run %s: %w", w.header.RunID, err)
	}
	return nil
}

// write syncs the folder, so that every page of the group has its name, and then
// adds the group's lines to the journal in one write.
func (w *Writer) write(group []*entry) (err error) {
	defer load.Catch(&err)
	var data []byte
	landed := false
	for _, e := range group {
		data = append(data, e.line...)
		if e.body != nil {
			landed = true
			if data, err = w.appendPage(data, e.landed); err != nil {
				return err
			}
		}
	}
	if landed {
		if err := w.zone.disk.SyncDir(w.dir); err != nil {
			return err
		}
	}
	if len(data) == 0 {
		return nil
	}
	return w.journal.append(data)
}

func (w *Writer) appendPage(data []byte, l Landed) ([]byte, error) {
	request := l.Request
	if l.Asked > 0 {
		request, _ = cutVariables(request)
	}
	short, text := w.queries.split(request)
	if text != nil {
		var err error
		if data, err = appendLine(data, textLine, text); err != nil {
			return data, err
		}
	}
	l.Request = short
	return appendLine(data, pageLine, l)
}
