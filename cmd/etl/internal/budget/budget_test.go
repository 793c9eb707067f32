package budget_test

import (
	"math"
	"testing"

	"nightjar/cmd/etl/internal/budget"
)

// What works at the same time fits into the whole together.
func TestDivide(t *testing.T) {
	for _, c := range []struct {
		total   int64
		cores   int
		threads int
	}{
		{budget.Floor, 1, 1}, {budget.Floor, 16, 1}, {budget.Default, 2, 2}, {budget.Default, 16, 4}, {8e9, 4, 4},
	} {
		b := budget.Divide(c.total, c.cores)
		if b.DuckThreads != c.threads || b.Rows >= b.Go || b.Go >= c.total || b.DuckDB < 40e6 || b.DuckDB >= c.total/2 {
			t.Errorf("%d MB on %d cores are divided into %+v; want %d threads", c.total/1e6, c.cores, b, c.threads)
		}
	}
}

func TestWithin(t *testing.T) {
	for name, c := range map[string]struct {
		asked int64
		limit uint64
		want  int64
	}{
		"no container":                {512e6, 0, 512e6},
		"a container without a limit": {512e6, math.MaxUint64, 512e6},
		"a roomy one":                 {512e6, 600e6, 512e6},
		"one as large as the setting": {512e6, 512e6, 496e6},
		"a small one":                 {512e6, 128e6, 124e6},
	} {
		if got := budget.Within(c.asked, c.limit); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	if got := budget.Within(budget.Default, uint64(budget.Least())); got < budget.Floor {
		t.Errorf("the least container leaves %d", got)
	}
}
