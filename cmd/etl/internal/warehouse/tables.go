package warehouse

import (
	"fmt"

	"nightjar/cmd/etl/internal/streams"
	"nightjar/load"
	"nightjar/load/partition"
	"nightjar/transform"
)

// Table is a table of the transform as the load knows it.
func Table(t transform.Table) load.Table {
	return load.Table{Schema: t.Schema, Name: t.Name, Comment: t.Comment, Key: t.Key, Parent: t.Parent, Day: t.Day, Arrow: t.Arrow()}
}

// RecordTables are the tables about the warehouse itself.
func RecordTables() []load.Table { return append(HistoryTables(), SettingsTables()...) }

// HistoryTables are what the runs have to say of themselves, one after another.
func HistoryTables() []load.Table {
	return []load.Table{Table(transform.Runs()), Table(transform.Reconciliation()), Table(transform.Bookmarks()), Table(transform.Rejects())}
}

// SettingsTables are what the marts are told of the configuration and of how far the
// vendors were asked. Nothing in them is of an earlier run.
func SettingsTables() []load.Table {
	return []load.Table{Table(transform.SurveyChannels()), Table(transform.FinalDays())}
}

// RecordWidth is the width of the partitions of a table about the warehouse, which
// all pipelines share. Only runs and rejects have a date; the others are small.
func RecordWidth(t load.Table) partition.Width {
	switch t.Full() {
	case transform.Runs().Full(), transform.Reconciliation().Full(), transform.Rejects().Full():
		return partition.Month
	}
	return partition.Whole
}

// VendorTables are the tables of every stream.
func VendorTables() []load.Table {
	var all []load.Table
	for _, s := range streams.All() {
		for _, t := range s.Tables {
			all = append(all, Table(t))
		}
	}
	return all
}

// Tables is every table of the warehouse, marts aside.
func Tables() []load.Table { return append(VendorTables(), RecordTables()...) }

// TableOf is the table of the full name.
func TableOf(name string) (load.Table, error) {
	for _, t := range Tables() {
		if t.Full() == name {
			return t, nil
		}
	}
	return load.Table{}, fmt.Errorf("there is no table %s", name)
}

// Marts is every mart as the load knows it.
func Marts() []load.Mart {
	var all []load.Mart
	for _, m := range transform.Marts() {
		t := transform.Table{Schema: transform.MartSchema, Name: m.Name, Comment: m.Comment, Key: m.Grain, Columns: m.Columns}
		all = append(all, load.Mart{Table: Table(t), Query: m.Query, Reads: m.Reads, Cut: m.Cut, Final: m.Final})
	}
	return all
}
