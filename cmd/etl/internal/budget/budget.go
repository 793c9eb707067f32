// Package budget divides the memory that the process may take among those who take
// it. It is resident memory that is meant, as the kernel and a container count it,
// and nothing here looks at how much a machine has: a job behaves alike on all.
package budget

// What a process may take, in bytes.
const (
	Default int64 = 512e6
	Floor   int64 = 256e6 // below, a run of no size is sure to end
)

// headroom is the share of a container's limit that is left alone, 1/headroom: the
// kernel books buffers of files and sockets to the container too.
const headroom = 32

// Within returns what the process may take where asked is configured and its
// container, if there is one, allows limit bytes; zero is no limit.
func Within(asked int64, limit uint64) int64 {
	if limit == 0 || limit > 2*uint64(asked) {
		return asked
	}
	return min(asked, int64(limit-limit/headroom))
}

// Least is the least limit of a container that leaves Floor.
func Least() int64 { return Floor + Floor/(headroom-1) }

// Budget is who may take how much, in bytes.
type Budget struct {
	Go          int64 // soft limit of Go's runtime, rows included
	Rows        int64 // records that wait for their merge; what is more goes to scratch files
	DuckDB      int64 // DuckDB's own limit; what is more goes to scratch files
	DuckThreads int
}

// threadBytes is what a thread of DuckDB needs beside what it spills: with less, a
// sort or a join ends in an error rather than on the disk.
const threadBytes = 40e6

// besideDuckDB is what the process holds while DuckDB works: the pages of the
// program that are in use, what Go keeps, and what DuckDB takes past its limit to
// read Parquet and compress columns.
const besideDuckDB = 176e6

// Divide divides total bytes. Go and DuckDB take turns: the rows are gone when
// DuckDB starts. DuckDB gets half of what is free then, because what it takes past
// its limit grows with it.
func Divide(total int64, cores int) Budget {
	b := Budget{Go: total / 100 * 65, Rows: total / 100 * 32, DuckDB: (total - besideDuckDB) / 2}
	b.DuckThreads = max(1, min(cores, int(b.DuckDB/threadBytes)))
	return b
}
