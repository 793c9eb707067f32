package budget_test

import (
	"math"
	"testing"

	"nightjar/cmd/etl/internal/budget"
)

func TestWithin(t *testing.T) {
	for _, c := range []struct {
		what  string
		asked int64
		limit uint64
		want  int64
	}{
		{"no container", 512e6, 0, 512e6},
		{"a container that allows everything", 512e6, math.MaxUint64, 512e6},
		{"a container with room to spare", 512e6, 600e6, 512e6},
		{"a container of the same size leaves some of it alone", 512e6, 512e6, 496e6},
		{"a smaller container", 2e9, 512 << 20, 520093696},
		{"a container too small for any run", 512e6, 128e6, 124e6},
		{"a container just large enough", 512e6, uint64(budget.LeastLimit()), budget.Floor},
		{"the usual small container", 512e6, 256 << 20, 260046848},
	} {
		if got := budget.Within(c.asked, c.limit); got != c.want {
			t.Errorf("%s: %d bytes, want %d", c.what, got, c.want)
		}
	}
}

func TestDivideTheDefault(t *testing.T) {
	want := budget.Budget{Go: 332_800_000, Rows: 163_840_000, Decoders: 2, DuckDB: 192_000_000, Threads: 2}
	if got := budget.Divide(budget.Default, 2); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// Whatever there is, on however many cores: nobody gets more than there is, and
// those who work get what they need.
func TestDivide(t *testing.T) {
	for total := budget.Floor; total <= 64e9; total += total / 7 {
		for _, cores := range []int{1, 2, 3, 8, 64, 512} {
			b := budget.Divide(total, cores)
			if b.Go >= total*3/4 || b.Rows > b.Go/2 || b.DuckDB > total/2 {
				t.Errorf("%d bytes are not enough for %+v", total, b)
			}
			if b.Rows < 64e6 || b.DuckDB < 64e6 {
				t.Errorf("%d bytes leave too little: %+v", total, b)
			}
			if b.Decoders < 1 || b.Decoders > cores || int64(b.Decoders) > (b.Go-b.Rows)/40e6 {
				t.Errorf("%d bytes, %d cores: %d decoders beside %d bytes of rows", total, cores, b.Decoders, b.Rows)
			}
			if b.Threads < 1 || b.Threads > cores || b.DuckDB/int64(b.Threads) < 40e6 {
				t.Errorf("%d bytes, %d cores: %d threads of DuckDB in %d bytes", total, cores, b.Threads, b.DuckDB)
			}
		}
	}
}

// In a container below the floor, commands that only look go on.
func TestDivideVeryLittle(t *testing.T) {
	if b := budget.Divide(64e6, 4); b.DuckDB < 40e6 || b.Threads != 1 || b.Decoders != 1 || b.Go <= 0 {
		t.Errorf("%+v", b)
	}
}
