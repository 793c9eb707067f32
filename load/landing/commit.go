package landing

import (
	"fmt"

	"nightjar/load"
)

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
	w.written(group)
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

// record adds a group to the pack and to the journal.
func (w *Writer) record(group []*entry) error {
	if err := w.write(group); err != nil {
		return fmt.Errorf("landing the pages of run %s: %w", w.header.RunID, err)
	}
	return nil
}

// write adds the group's pages to the pack, syncs it, and then adds the group's lines to
// the journal in one write.
func (w *Writer) write(group []*entry) (err error) {
	defer load.Catch(&err)
	var members [][]byte
	var data []byte
	end := w.pack.size
	for _, e := range group {
		data = append(data, e.line...)
		if e.body != nil {
			e.landed.Offset = end + blockBytes
			end += int64(len(*e.member))
			members = append(members, *e.member)
			if data, err = w.appendPage(data, e.landed); err != nil {
				return err
			}
		}
	}
	if err := w.pack.append(members...); err != nil || len(data) == 0 {
		return err
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
