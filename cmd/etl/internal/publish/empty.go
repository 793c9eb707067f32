package publish

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"nightjar/cmd/etl/internal/streams"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load"
	"nightjar/load/generation"
	"nightjar/load/partition"
)

// placeEmpty gives every table without rows one file that has its columns, so that
// whoever reads all of a table's files finds one, and takes it away once rows have
// come.
func (p *Publisher) placeEmpty(m *generation.Manifest) error {
	for _, t := range warehouse.Tables() {
		entry := m.Tables[t.Full()]
		entry.Columns = fingerprint(t)
		rows := map[string]generation.File{} // not the parent's own map
		for folder, f := range entry.Partitions {
			if f.Rows > 0 {
				rows[folder] = f
			}
		}
		if entry.Partitions = rows; len(rows) == 0 {
			folder, f, err := p.writeEmpty(t)
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
func (p *Publisher) writeEmpty(t load.Table) (folder string, f generation.File, err error) {
	folder, old, err := p.emptyFolder(t)
	if err != nil {
		return "", f, err
	}
	f.Path = generation.PartitionPath(t.Schema, t.Name, folder)
	written, err := partition.WriteEmpty(p.Build.Path(f.Path), t)
	if err != nil {
		return "", f, err
	}
	f.Bytes, f.SHA256 = written.Bytes, written.SHA256
	return folder, f, p.shareSame(f, old)
}

// emptyFolder is where the file of a table without rows lies: where the live
// generation has it. Where it has none, in the month, or on the day, of the first run
// that ever landed. That is the run that makes the first generation, and a warehouse
// that is rebuilt from its landing zone comes to the same.
func (p *Publisher) emptyFolder(t load.Table) (folder string, old generation.File, err error) {
	width := p.widthOf(t)
	if p.Live != nil {
		for folder, f := range p.Live.Manifest.Tables[t.Full()].Partitions {
			if w, _, err := partition.ParseFolder(folder); err == nil && w == width && f.Rows == 0 {
				return folder, f, nil
			}
		}
	}
	first, err := p.FirstLanded(p.Record.ID)
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
func (p *Publisher) widthOf(t load.Table) partition.Width {
	for _, record := range warehouse.RecordTables() {
		if record.Full() == t.Full() {
			return warehouse.RecordWidth(t)
		}
	}
	for _, s := range streams.All() {
		for _, of := range s.Tables {
			if pipeline, ok := p.Config.Loader(s.Ref()); ok && of.Full() == t.Full() {
				return partition.Width(pipeline.Partition)
			}
		}
	}
	return partition.Month
}
