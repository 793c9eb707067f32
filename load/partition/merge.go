package partition

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"nightjar/load/keyfile"
	"nightjar/load/parquetfile"
)

// Plan is what a merge needs beside the staged rows.
type Plan struct {
	// Old maps each existing partition of the table to its files.
	Old map[Partition]Files
	// Moved is what Stage.Moved says of the same old files.
	Moved Moves
	// New names the files of a new partition; their folders are made.
	New func(Partition) Files
	// Delta, if not empty, is where the new and changed rows are written too, and Left
	// where the rows of the old files are that stand there no more: another version of
	// them does, they are in another partition, or they are gone.
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
	GoneRows   int64          // old rows whose key the table has no more
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
	for _, w := range []**parquetfile.Writer{&m.delta, &m.left} {
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
	stop    func() error // why the merge is to end; nil for no reason
	stage   *Stage
	plan    Plan
	out     *Outcome
	heap    heap
	group   group
	moving  map[string]*moving            // by moved key
	leaving map[Partition][]keyfile.Place // rows whose key ends elsewhere, in order
	delta   *parquetfile.Writer
	left    *parquetfile.Writer

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
	m.leaving = m.plan.Moved.leaving(m.stage.layout.width)
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
		c.rank, c.unasked, c.day = c.rank+1, m.unasked, m.stage.layout.dayColumn() // after what is carried
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
	for _, w := range []*parquetfile.Writer{m.delta, m.left} {
		if w != nil {
			w.Abandon()
		}
	}
}

// partitions lists what the merge touches: where rows come in, and where a key
// that moved away stands.
func (m *merge) partitions() []Partition {
	touched := slices.AppendSeq(m.stage.Touched(), maps.Keys(m.leaving))
	for _, s := range m.carried {
		touched = append(touched, s.Touched()...)
	}
	slices.Sort(touched)
	return slices.Compact(touched)
}

// addDelta appends new and changed rows to the delta file.
func (m *merge) addDelta(rows picks) error {
	m.out.DeltaRows += int64(rows.Len())
	return m.scratch(&m.delta, m.plan.Delta, rows)
}

// scratch appends rows to a scratch file, which the first ones create.
func (m *merge) scratch(w **parquetfile.Writer, path string, rows picks) error {
	if *w == nil {
		var err error
		if *w, err = parquetfile.CreateScratch(path, m.stage.tables, m.stage.mem); err != nil {
			return err
		}
	}
	return (*w).Write(rows)
}

// closeScratch closes a scratch file, where there is one.
func closeScratch(w **parquetfile.Writer) error {
	if *w == nil {
		return nil
	}
	_, err := (*w).Close()
	*w = nil
	return err
}
