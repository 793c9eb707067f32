package partition

import "os"

// maxRuns is how many runs are read side by side; more are first merged into
// longer ones, so that the number of open files and batches has a bound.
const maxRuns = 64

// cursors opens all runs, after merging them down to maxRuns. What is held is the
// cursors' from then on, so that it goes as the merge gets on.
func (s *Stage) cursors() ([]*cursor, error) {
	if err := s.compact(); err != nil {
		return nil, err
	}
	var all []*cursor
	for _, b := range s.held {
		all = append(all, inMemory(b, len(all)+1))
	}
	s.held = nil
	for _, f := range s.files {
		c, err := s.spilled(f, len(all)+1)
		if err != nil {
			closeAll(all)
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// compact merges scratch runs until few enough are left.
func (s *Stage) compact() error {
	for len(s.files) > maxRuns {
		group := s.files[:maxRuns]
		var cursors []*cursor
		for i, f := range group {
			c, err := s.spilled(f, i)
			if err != nil {
				closeAll(cursors)
				return err
			}
			cursors = append(cursors, c)
		}
		path := s.newRunFile()
		if err := s.concat(cursors, path); err != nil {
			return err
		}
		for _, f := range group {
			os.Remove(f)
		}
		s.files = append(s.files[maxRuns:], path)
	}
	return nil
}

// concat merges runs into one longer run, every row kept.
func (s *Stage) concat(cursors []*cursor, path string) error {
	m := &merge{stage: s, out: &Outcome{}}
	defer m.close()
	if err := m.start(cursors); err != nil {
		return err
	}
	w, err := newRunWriter(path, m.heap[0].cur.rec.Schema(), s.mem)
	if err != nil {
		return err
	}
	defer w.release()
	for len(m.heap) > 0 {
		c := m.heap[0]
		if err := w.add(c.cur, c.row()); err != nil {
			return err
		}
		if err := m.heap.step(func(*batch) {}); err != nil {
			return err
		}
	}
	return w.close()
}
