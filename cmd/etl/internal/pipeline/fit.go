package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/transform"
)

// dependencies are the settings that the rows of a generation are made with, by name:
// rows made with others may not stand beside them.
func dependencies(c *config.Config) map[string]string {
	all := map[string]string{"timezone": c.Timezone.String()}
	if c.Sources.Aircall != nil {
		unit := c.Sources.Aircall.DurationUnit
		if unit == 0 {
			unit = time.Millisecond
		}
		all["sources.aircall.duration_unit"] = unit.String()
	}
	for s := range streams {
		if p, ok := c.Loader(s); ok {
			all["partition of "+s.String()] = string(p.Partition)
		}
	}
	return all
}

// changed says which settings are others than those that the rows of the live generation
// were made with. A setting of which one of the two says nothing is not compared.
func (r *run) changed() []string {
	if r.parent == nil || !slices.ContainsFunc(vendorTables(), func(t transform.Table) bool { return r.parent.Manifest.Tables[t.Full()].Rows > 0 }) {
		return nil
	}
	var all []string
	were, are := r.parent.Manifest.DependsOn, dependencies(r.Config)
	for _, name := range slices.Sorted(maps.Keys(are)) {
		if was, ok := were[name]; ok && was != are[name] {
			all = append(all, fmt.Sprintf("%s was %s and is %s", name, was, are[name]))
		}
	}
	return all
}

// keepApart publishes nothing of a replay by other settings than those of the live
// generation where a stream of it is held: the rows of that one would stand beside rows
// made otherwise.
func (r *run) keepApart(trusted []*leg) (bool, error) {
	changed := r.changed()
	if !r.replaying || len(changed) == 0 || len(trusted) == len(r.legs) {
		return false, nil
	}
	for _, l := range trusted {
		l.Published = false
		l.worsen(Held, strings.Join(changed, "; ")+", and not every table can be made anew: none is")
		if err := l.withdraw(); err != nil {
			return true, err
		}
	}
	return true, nil
}

// makeFit makes the tables anew of what has landed, because settings have changed that
// their rows depend on: a generation of its own, before anything is asked of a vendor.
// The report is that of a rebuild that failed or was held; nil where the run may go on.
func (r *Runner) makeFit(ctx context.Context, changed []string) (*Report, error) {
	r.Log.Warn("the rows depend on a setting that has changed: they are made anew of what has landed, and then the run goes on", "changed", changed)
	report, err := r.replay(ctx, Rebuild{})
	if err != nil {
		return nil, fmt.Errorf("%s, and the tables cannot be made anew: %w; nothing was asked of a vendor", strings.Join(changed, "; "), err)
	}
	if report.Generation != 0 && (report.Status == Complete || report.Status == Drifted) {
		return nil, nil
	}
	report.Reason = strings.Join(changed, "; ") + ", and the tables could not be made anew: nothing was asked of a vendor"
	return report, nil
}
