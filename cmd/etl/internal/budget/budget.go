// Package budget divides the memory that the process may take among those who take
// it. Resident memory is meant, as the kernel and a container count it. Nothing here
// looks at how much a machine has: a job behaves alike on all.
package budget

// What a process may take, in bytes.
const (
	Default int64 = 512e6
	Floor   int64 = 256e6 // no run is sure to end with less
)

// headroom is the part of a container's limit that is left alone, one in headroom:
// the kernel books sockets and files under way to the container too.
const headroom = 32

// Within returns what the process may take where asked is configured and its
// container allows limit bytes; zero is no limit.
func Within(asked int64, limit uint64) int64 {
	if usable := limit - limit/headroom; limit > 0 && usable < uint64(asked) {
		return int64(usable)
	}
	return asked
}

// LeastLimit is the least limit of a container that leaves Floor.
func LeastLimit() int64 { return Floor * headroom / (headroom - 1) }

// Budget is who may take how much, in bytes.
type Budget struct {
	Go       int64 // soft limit of Go's runtime, rows included
	Rows     int64 // records that wait for their merge; what is more goes to scratch files
	Decoders int   // that turn pages into rows at once
	DuckDB   int64 // DuckDB's own limit; what is more goes to scratch files
	Threads  int   // of DuckDB
}

// A decoder gathers rows, and sorts a copy of them. More than mostDecoders find
// nothing to do: landing is slower.
const (
	decoderBytes = 40e6
	mostDecoders = 4
)

// besideDuckDB is what the process holds while DuckDB works: the pages of the
// program that are in use and what Go keeps.
const besideDuckDB = 128e6

// What DuckDB needs to work at all, and for each thread that it can make use of:
// with less, a sort or a join ends in an error rather than on the disk.
const (
	leastDuckDB = 40e6
	threadBytes = 40e6
)

// Divide divides total bytes. Go and DuckDB take turns: the rows are gone when
// DuckDB starts. DuckDB is told half of what is free then. To read Parquet and to
// compress columns it takes as much again, which its limit does not count.
func Divide(total int64, cores int) Budget {
	b := Budget{Go: total / 100 * 65, Rows: total / 100 * 32, DuckDB: max(leastDuckDB, (total-besideDuckDB)/2)}
	b.Decoders = max(1, min(cores, mostDecoders, int((b.Go-b.Rows)/decoderBytes)))
	b.Threads = max(1, min(cores, int(b.DuckDB/threadBytes)))
	return b
}
