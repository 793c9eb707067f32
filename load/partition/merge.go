package partition

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"nightjar/load"
)

// Plan is what a merge needs beside the staged rows.
type Plan struct {
	// Old maps each existing partition of the table to its file.
	Old map[Partition]string
	// Moved is what Stage.Moved says of the same old files.
	Moved Moves
	// Path names the file of a new partition; its folder is made.
	Path func(Partition) string
	// Delta, if not empty, is where the new and changed rows are written too, and Left
	// where those of the old files are that the table has no more.
	Delta, Left string
	// Window tells the window of a landed page, -1 where it is of no interest.
	Window func(page string) int
	// Windows is how many windows there are.
	Windows int
}

// Outcome is what a merge of one table came to.
type Outcome struct {
	Partitions []Result // those that incoming rows or departures touched, ascending
	Counts     Counts
	Windows    []WindowCounts
	Columns    []ColumnCounts // by column of the table
	DeltaRows  int64          // rows in the delta file; it exists only if there are any
	LeftRows   int64          // rows in the file of those that left; likewise
}

// Merge writes the new file of every partition that the staged rows touch and
// leaves those alone in which nothing changes. It uses the rows up: the stage is
// closed when it returns.
func (s *Stage) Merge(ctx context.Context, plan Plan) (*Outcome, error) {
	defer s.Close()
	m := &merge{stop: ctx.Err, stage: s, plan: plan, unasked: s.unaskedByPage(), columns: make([]ColumnCounts, s.tables.NumFields()), encoders: make(chan struct{}, maxEncoders)}
	m.out = &Outcome{Windows: make([]WindowCounts, plan.Windows), Columns: m.columns}
	defer m.close()
	err := m.begin()
	if err == nil {
		err = m.all(ctx)
	}
	for _, w := range []**fileWriter{&m.delta, &m.left} {
		if err == nil {
			err = closeScratch(w)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", s.table.Full(), err)
	}
	return m.out, nil
}

// all merges one partition after the other. Their files are encoded behind it.
func (m *merge) all(ctx context.Context) error {
	var writers []*partitionWriter
	var first error
	for _, p := range m.partitions() {
		if first = ctx.Err(); first != nil {
			break
		}
		w, err := m.partition(p)
		if w != nil {
			writers = append(writers, w)
		}
		if err != nil {
			first = fmt.Errorf("partition %s: %w", m.stage.layout.width.Folder(p), err)
			break
		}
	}
	for _, w := range writers {
		result, err := w.wait()
		if err != nil && first == nil {
			first = fmt.Errorf("partition %s: %w", m.stage.layout.width.Folder(w.part), err)
		}
		m.out.Partitions = append(m.out.Partitions, result)
	}
	return first
}

// merge is the state of one Merge.
type merge struct {
	stop   func() error // why the merge is to end; nil for no reason
	stage  *Stage
	plan   Plan
	out    *Outcome
	heap   heap
	group  group
	moving map[string]*moving // by moved key
	delta  *fileWriter
	left   *fileWriter

	unasked   []columnSet         // by page number: what its rows leave as it was; nil for nothing
	carried   []*Stage            // versions of moved keys, put where the keys end
	columns   []ColumnCounts      // by column
	crossings map[string]crossing // moved keys of which one row has been seen

	encoders chan struct{} // holds one for every file that is being encoded
}

// maxEncoders bounds the files that are encoded at once: each holds up to a row
// group in memory.
const maxEncoders = 2

// begin opens the staged rows.
func (m *merge) begin() error {
	carried, err := m.carry()
	if err != nil {
		return err
	}
	cursors, err := m.stage.cursors()
	if err != nil {
		closeAll(carried)
		return err
	}
	for _, c := range cursors {
		c.rank, c.unasked = c.rank+1, m.unasked // after what is carried
	}
	return m.start(append(cursors, carried...))
}

// start loads the first batch of every run.
func (m *merge) start(cursors []*cursor) error {
	for i, c := range cursors {
		ok, err := c.load()
		if err != nil {
			closeAll(cursors[i:])
			return err
		}
		if !ok {
			c.close()
			continue
		}
		m.heap.push(c)
	}
	return nil
}

func (m *merge) close() {
	closeAll(m.heap)
	m.group.clear()
	for _, s := range m.carried {
		s.Close()
	}
	for _, w := range []*fileWriter{m.delta, m.left} {
		if w != nil {
			w.abandon()
		}
	}
}

// partitions lists what the merge touches: where rows come in, and where a key
// that moved away stands.
func (m *merge) partitions() []Partition {
	touched := append(m.stage.Touched(), m.plan.Moved.left()...)
	for _, s := range m.carried {
		touched = append(touched, s.Touched()...)
	}
	slices.SortFunc(touched, cmp.Compare)
	return slices.Compact(touched)
}

// partition merges the rows of p, old and new, into a new file. The writer that it
// returns is to be waited for.
func (m *merge) partition(p Partition) (*partitionWriter, error) {
	old, had := m.plan.Old[p]
	if had {
		c, err := m.stage.layout.openTable(old, p, m.stage.tables)
		if err != nil {
			return nil, err
		}
		if ok, err := c.load(); err != nil || !ok {
			c.close()
			if err != nil {
				return nil, err
			}
		} else {
			m.heap.push(c)
		}
	}
	path := m.plan.Path(p)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	m.encoders <- struct{}{}
	w, err := newPartitionWriter(path, p, m)
	if err != nil {
		<-m.encoders
		return nil, err
	}
	changed, err := m.groups(p, w)
	if err == nil {
		err = w.flush()
	}
	w.end(err == nil && changed)
	return w, err
}

// groups visits the rows of p key by key and writes the newest version of each.
func (m *merge) groups(p Partition, w *partitionWriter) (changed bool, err error) {
	for len(m.heap) > 0 && m.heap[0].at.part == p {
		prefix, key := m.heap[0].at.prefix, m.heap[0].key()
		m.group.clear()
		moved, so := m.movingOf(key)
		for len(m.heap) > 0 && m.heap[0].at.part == p && m.heap[0].sameKey(prefix, key) {
			if err := m.take(moved); err != nil {
				return false, err
			}
		}
		so.countOnce(&m.group)
		did, err := m.settle(w, key, moved, so)
		if err != nil {
			return false, err
		}
		changed = changed || did
	}
	return changed, nil
}

// take moves the heap's first row into the group: it becomes the winner unless
// its content is that of the winner so far, which was seen first and stays. A
// winner so far that is no newer than moved.after gives way in any case; so does one
// of which a value is not known to a row of the old file, which knows what came
// before. A row from before the key was gone is counted, and no more.
func (m *merge) take(moved move) error {
	c := m.heap[0]
	row, unasked := c.row(), c.leaves()
	gone, after := moved.gone != "" && comparePages(c.cur.page(row), moved.gone) < 0, moved.after
	g := &m.group
	switch {
	case c.carried:
	case c.old:
		g.old, g.before, g.beforeRow = true, c.cur, row
	default:
		g.incoming++
		m.count(c.cur.page(row))
	}
	switch {
	case gone:
	case g.win == nil || after != "" && comparePages(g.win.page(g.row), after) <= 0 || c.old && g.guessed != 0 || !g.same(c.cur, row, m.stage.layout.compare, unasked):
		g.choose(c.cur, row, c.old && !c.carried, unasked)
	}
	if !gone {
		g.guessed, g.unasked = g.guessed&unasked, unasked
	}
	ok, err := c.advance(g.keep)
	if err != nil {
		return err
	}
	if ok {
		m.heap.fix()
		return nil
	}
	m.heap.pop().close()
	return nil
}

// count books an incoming row to its window.
func (m *merge) count(page string) {
	if m.plan.Window == nil {
		return
	}
	if n := m.plan.Window(page); n >= 0 {
		m.out.Windows[n].Rows++
		if !slices.Contains(m.group.windows, n) {
			m.group.windows = append(m.group.windows, n)
		}
	}
}

// settle writes the group's winner, unless the key's newest version stands in
// another partition, and counts. It reports whether the partition changed.
func (m *merge) settle(w *partitionWriter, key string, moved move, so *moving) (bool, error) {
	g := &m.group
	defer g.clear()
	counts := &m.out.Counts
	for _, n := range g.windows {
		m.out.Windows[n].Keys++
	}
	if so != nil && moved.to == nowhere {
		return g.old, m.gone(so)
	}
	m.again(key, moved, so != nil && moved.to != w.part)
	if so != nil && moved.to != w.part {
		so.leave(g, moved, counts)
		return g.old, nil
	}
	if g.incoming > 0 {
		counts.Superseded += g.incoming - 1
	}
	if kept := g.unasked &^ g.guessed; kept != 0 {
		m.keptBy(kept & g.present())
	}
	changed := !g.winIsOld
	switch {
	case g.incoming == 0:
	case !changed:
		counts.Unchanged++
	case g.old || moved.known:
		counts.Changed++
	default:
		counts.New++
	}
	return changed, w.add(g, changed)
}

// addDelta appends new and changed rows to the delta file.
func (m *merge) addDelta(rows picks) error {
	if m.delta == nil {
		var err error
		if m.delta, err = newScratchWriter(m.plan.Delta, m.stage.tables, m.stage.mem); err != nil {
			return err
		}
	}
	m.out.DeltaRows += int64(len(rows.rows))
	return m.delta.write(rows)
}

// closeScratch closes a scratch file, where there is one.
func closeScratch(w **fileWriter) error {
	if *w == nil {
		return nil
	}
	_, err := (*w).close()
	*w = nil
	return err
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
		ok, err := c.advance(func(*batch) {})
		if err != nil {
			return err
		}
		if ok {
			m.heap.fix()
		} else {
			m.heap.pop().close()
		}
	}
	return w.close()
}

// heap is a binary heap of cursors, the next row first.
type heap []*cursor

func (h *heap) push(c *cursor) {
	*h = append(*h, c)
	for i := len(*h) - 1; i > 0; {
		parent := (i - 1) / 2
		if !(*h)[i].before((*h)[parent]) {
			return
		}
		(*h)[i], (*h)[parent] = (*h)[parent], (*h)[i]
		i = parent
	}
}

// pop removes the first cursor, whose run is at its end.
func (h *heap) pop() *cursor {
	first, last := (*h)[0], len(*h)-1
	(*h)[0] = (*h)[last]
	*h = (*h)[:last]
	if last > 0 {
		h.fix()
	}
	return first
}

// fix restores the order after the first cursor moved on.
func (h heap) fix() {
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && h[child+1].before(h[child]) {
			child++
		}
		if !h[child].before(h[i]) {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}

// partitionWriter lists winners and has them encoded by a goroutine of its own, so
// that merging and encoding share the cores.
type partitionWriter struct {
	merge *merge
	part  Partition
	rows  picker
	delta []int32 // of the rows under way: what is new or changed

	lists  chan picks    // up to listRows rows each
	keep   bool          // set before lists is closed: the file is wanted
	done   chan struct{} // closed when result and err are final
	result Result
	err    error
}

func newPartitionWriter(path string, p Partition, m *merge) (*partitionWriter, error) {
	out, err := newTableWriter(path, m.stage.table, m.stage.mem)
	if err != nil {
		return nil, err
	}
	w := &partitionWriter{merge: m, part: p, lists: make(chan picks, 1), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		defer func() { <-m.encoders }()
		w.result, w.err = w.encode(out)
	}()
	return w, nil
}

func (w *partitionWriter) add(g *group, changed bool) error {
	w.rows.add(g.win, g.row)
	if g.elsewhere != 0 {
		w.addApart(g)
	}
	last := len(w.rows.rows) - 1
	if changed && w.merge.plan.Delta != "" {
		w.delta = append(w.delta, int32(last))
	}
	if last+1 == listRows {
		return w.flush()
	}
	return nil
}

// addApart takes the values of the row added last from where they stand.
func (w *partitionWriter) addApart(g *group) {
	for c := range g.elsewhere.each() {
		w.rows.instead(c, g.apart[c].b, g.apart[c].row)
	}
}

// flush hands the rows under way to the encoder.
func (w *partitionWriter) flush() error {
	if len(w.rows.rows) == 0 {
		return nil
	}
	if err := w.merge.stop(); err != nil {
		return err
	}
	rows := w.rows.take()
	var err error
	if len(w.delta) > 0 {
		err = w.merge.addDelta(rows.only(w.delta))
		w.delta = w.delta[:0]
	}
	w.lists <- rows
	return err
}

// end tells the encoder that no more rows come, and whether the file is wanted.
func (w *partitionWriter) end(keep bool) {
	w.rows.take().release()
	w.keep = keep
	close(w.lists)
}

func (w *partitionWriter) wait() (Result, error) {
	<-w.done
	return w.result, w.err
}

// encode writes the rows. A file that is not wanted, or has no row, is removed. It
// takes every list, also after an error: the merge waits for it.
func (w *partitionWriter) encode(out *fileWriter) (result Result, err error) {
	defer load.Catch(&err)
	result = Result{Partition: w.part}
	var failed error
	for rows := range w.lists {
		if failed == nil {
			failed = w.encodeList(out, rows, &result)
		}
		rows.release()
	}
	if failed != nil || !w.keep || result.Rows == 0 {
		if err := out.abandon(); failed == nil {
			failed = err
		}
		return Result{Partition: w.part, Changed: w.keep}, failed
	}
	sum, err := out.close()
	if err != nil {
		return Result{}, err
	}
	result.Path, result.Changed, result.Bytes, result.SHA256 = out.path, true, sum.bytes, sum.sha256
	return result, nil
}

// encodeList writes one list of rows and counts them in result.
func (w *partitionWriter) encodeList(out *fileWriter, rows picks, result *Result) (err error) {
	defer load.Catch(&err)
	key := w.merge.stage.layout.key
	if result.Rows == 0 {
		result.MinKey = rows.readableKey(key, 0)
	}
	result.MaxKey = rows.readableKey(key, len(rows.rows)-1)
	result.Rows += int64(len(rows.rows))
	return out.write(rows)
}
