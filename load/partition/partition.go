// Package partition turns the records of a run into partition files: one Parquet
// file a month (or day) of business date, sorted by that date where the table has it
// in a column, and by key, one row a key, the newest version of each. Beside it stands a
// file that tells which of its row groups may hold a key.
//
// Glossary. A stage collects the incoming records of one table as sorted runs,
// which go to scratch files once they outgrow the shared pool. A slot is where a key has
// its one row: a business day, or a partition where rows are sorted by key alone. A merge
// reads all runs and the old file of each partition they touch, side by side in the
// order of slots and keys, and writes the new file: rows are listed, not moved, and their
// values copied once, from where they stand to the file. Where row groups end is for the
// keys to say, so that a row that comes in changes its own group, and seldom the next.
// The region of an old row group is the rows that come into it: one that is untouched is
// copied as bytes, without a look; of one whose keys all stay, the columns that hold other
// values are encoded. The bytes are those of a merge of all rows at once. Memory is the
// pool, one batch a scratch run and two row groups of an old file, whatever the rows, and
// the filters of one key file at a time: five bytes a row of its partition. A version of a
// row is older or newer by its landed page (_page): by run, then by number in the
// run. A page may not have been asked for a column: there its versions have no word,
// and the row keeps the value of the version before.
package partition

import (
	"fmt"
	"math"
	"strings"
	"time"

	"nightjar/load/keyfile"
)

// Width is how much business time a partition holds.
type Width string

const (
	Month Width = "month"
	Day   Width = "day"
	Whole Width = "whole" // one partition, without a folder of its own
)

// Partition names a partition by the first day it holds, in days since
// 1970-01-01. It does not know its width.
type Partition int32

// slot is where rows stand within a table that are sorted by key: a business day where
// the table has its day in a column, else a partition. A key has one row in all of them.
type slot int32

// of returns the partition that holds the slot.
func (w Width) of(s slot) Partition { return w.Of(int32(s)) }

// last returns the last slot that the partition may hold.
func (w Width) last(p Partition) slot {
	switch w {
	case Day:
		return slot(p)
	case Whole:
		return math.MaxInt32
	}
	first := time.Unix(int64(p)*86400, 0).UTC()
	return slot(first.AddDate(0, 1, 0).Unix()/86400 - 1)
}

// None is the partition of the rows without a business date, and of all rows of a
// table that is Whole: 0001-01-01, which every reader takes for a text or a day as
// those of its neighbours, and which sorts before them.
const None Partition = -719162

// noFolder is what stands for the folder of a partition that has none.
const noFolder = "."

// Of returns the partition that holds the business day, given in days since
// 1970-01-01.
func (w Width) Of(day int32) Partition {
	switch w {
	case Day:
		return Partition(day)
	case Whole:
		return None
	}
	t := time.Unix(int64(day)*86400, 0).UTC()
	first := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	return Partition(first.Unix() / 86400)
}

// Folder returns the Hive-style folder name: "month=2026-11" or "day=2026-11-20";
// "." where there is no folder.
func (w Width) Folder(p Partition) string {
	if w == Whole {
		return noFolder
	}
	return string(w) + "=" + w.value(p)
}

func (w Width) value(p Partition) string {
	day := time.Unix(int64(p)*86400, 0).UTC()
	if w == Day {
		return day.Format(time.DateOnly)
	}
	return day.Format("2006-01")
}

// ParseFolder is the inverse of Folder.
func ParseFolder(folder string) (Width, Partition, error) {
	if folder == noFolder {
		return Whole, None, nil
	}
	name, value, ok := strings.Cut(folder, "=")
	w := Width(name)
	layout := map[Width]string{Month: "2006-01", Day: time.DateOnly}[w]
	if !ok || layout == "" {
		return "", 0, fmt.Errorf("%q is no partition folder: want month=YYYY-MM or day=YYYY-MM-DD", folder)
	}
	t, err := time.Parse(layout, value)
	if err != nil {
		return "", 0, fmt.Errorf("%q is no partition folder: %w", folder, err)
	}
	return w, Partition(t.Unix() / 86400), nil
}

// Result is one partition after a merge.
type Result struct {
	Partition Partition
	Path      string // the new file; empty where nothing changed or no row is left
	Rows      int64
	Bytes     int64
	SHA256    string       // hex, of the file
	Keys      keyfile.File // the file that tells which row group may hold a key
	MinKey    string       // first key in file order, in readable form; empty without rows
	MaxKey    string       // last key in file order
	Changed   bool         // false: the old file, if any, stays as it is
}

// Counts says what a merge did with the rows of one table.
type Counts struct {
	New, Changed, Unchanged int64 // keys
	Superseded              int64 // rows that gave way: incoming ones to another version of their key, any to a look that does not show them
	Gone                    int64 // keys that had rows, old or incoming, and that the vendor shows no more
}

// WindowCounts is the share of one window in a merge: Rows incoming, of Keys
// distinct keys. Rows minus Keys were superseded within the window.
type WindowCounts struct{ Rows, Keys int64 }
