package pipeline

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"nightjar/load"
	"nightjar/load/generation"
	"nightjar/load/partition"
	"nightjar/load/ref"
)

// placeEmpty gives every table without rows one file that has its columns, so that
// whoever reads all of a table's files finds one, and takes it away once rows have
// come.
func (r *run) placeEmpty(m *generation.Manifest) error {
	for _, t := range allTables() {
		entry := m.Tables[t.Full()]
		entry.Columns = fingerprint(t)
		rows := map[string]generation.File{} // not the parent's own map
		for folder, f := range entry.Partitions {
			if f.Rows > 0 {
				rows[folder] = f
			}
		}
		if entry.Partitions = rows; len(rows) == 0 {
			folder, f, err := r.writeEmpty(t)
			if err != nil {
				return fmt.Errorf("table %s: %w", t.Full(), err)
			}
			entry.Partitions[folder] = f
		}
		m.Tables[t.Full()] = entry
	}
	return nil
}

// writeEmpty writes the file of a table without rows.
func (r *run) writeEmpty(t load.Table) (folder string, f generation.File, err error) {
	folder, old, err := r.emptyFolder(t)
	if err != nil {
		return "", f, err
	}
	f.Path = generation.PartitionPath(t.Schema, t.Name, folder)
	written, err := partition.WriteEmpty(r.build.Path(f.Path), t)
	if err != nil {
		return "", f, err
	}
	f.Bytes, f.SHA256 = written.Bytes, written.SHA256
	return folder, f, r.shareSame(f, old)
}

// emptyFolder is where the file of a table without rows lies: where the live
// generation has it. Where it has none, in the month, or on the day, of the first run
// that ever landed. That is the run that makes the first generation, and a warehouse
// that is rebuilt from its landing zone comes to the same.
func (r *run) emptyFolder(t load.Table) (folder string, old generation.File, err error) {
	width := r.widthOf(t)
	if r.parent != nil {
		for folder, f := range r.parent.Manifest.Tables[t.Full()].Partitions {
			if w, _, err := partition.ParseFolder(folder); err == nil && w == width && f.Rows == 0 {
				return folder, f, nil
			}
		}
	}
	first, err := r.firstLanded()
	if err != nil {
		return "", generation.File{}, err
	}
	day := partition.None
	if d, ok := dayOf(first).(arrow.Date32); ok {
		day = width.Of(int32(d))
	}
	return width.Folder(day), generation.File{}, nil
}

// widthOf is the width of a table's partitions.
func (r *run) widthOf(t load.Table) partition.Width {
	for _, record := range recordTables() {
		if record.Full() == t.Full() {
			return recordWidth(t)
		}
	}
	for _, p := range r.Config.Pipelines {
		for _, of := range transforms[p.Ref()].Tables {
			if of.Full() == t.Full() {
				return partition.Width(p.Partition)
			}
		}
	}
	return partition.Month
}

// firstLanded is the id of the first run of the landing zone; this run's where it has
// none.
func (r *run) firstLanded() (ref.RunID, error) {
	first := r.id
	all, err := r.zone.Streams()
	if err != nil {
		return "", err
	}
	for _, s := range all {
		ids, err := r.zone.RunIDs(s)
		if err != nil {
			return "", err
		}
		if len(ids) > 0 {
			first = min(first, ids[0])
		}
	}
	return first, nil
}
