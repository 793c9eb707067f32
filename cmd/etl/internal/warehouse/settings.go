package warehouse

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/streams"
	"nightjar/load"
)

// Dependencies are the settings that the rows of a generation are made with, by name:
// rows made with others may not stand beside them.
func Dependencies(c *config.Config) map[string]string {
	all := map[string]string{"timezone": c.Timezone.String()}
	if c.Sources.Aircall != nil {
		unit := c.Sources.Aircall.DurationUnit
		if unit == 0 {
			unit = time.Millisecond
		}
		all["sources.aircall.duration_unit"] = unit.String()
	}
	for _, s := range streams.All() {
		if p, ok := c.Loader(s.Ref()); ok {
			all["partition of "+s.Ref().String()] = string(p.Partition)
		}
	}
	return all
}

// Changed says which settings are others than those that the rows of the live generation
// were made with. A setting of which one of the two says nothing is not compared.
func (v *View) Changed() []string {
	if v.Live == nil || !slices.ContainsFunc(VendorTables(), func(t load.Table) bool { return v.Live.Manifest.Tables[t.Full()].Rows > 0 }) {
		return nil
	}
	var all []string
	were, are := v.Live.Manifest.DependsOn, Dependencies(v.Config)
	for _, name := range slices.Sorted(maps.Keys(are)) {
		if was, ok := were[name]; ok && was != are[name] {
			all = append(all, fmt.Sprintf("%s was %s and is %s", name, was, are[name]))
		}
	}
	return all
}
