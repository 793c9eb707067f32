package pipeline

import (
	"context"
	"errors"
	"fmt"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract"
)

// schemaFits compares the vendor's schema with what the stream asks, and reports
// whether the walk may begin. What differs is in the leg's findings. A breaking
// difference ends the leg; a pipeline that is frozen accepts none, and no vendor
// that hides its schema.
func (l *leg) schemaFits(ctx context.Context) bool {
	checker, ok := l.stream.(extract.Checker)
	if !ok {
		return true
	}
	tally := new(extract.Tally)
	findings, err := checker.Check(extract.WithTally(ctx, tally))
	l.Requests += tally.Requests.Load()
	l.Retries += tally.Retries.Load()
	l.SignIns += tally.SignIns.Load()
	for _, f := range findings {
		l.Findings = append(l.Findings, f.Path+": "+f.What)
		if f.Breaking {
			l.Worsen(summary.Failed, fmt.Sprintf("the vendor's schema no longer answers the query: %s: %s", f.Path, f.What))
			l.Retry = summary.RetryNever
		}
	}
	switch {
	case errors.Is(err, context.Canceled), extract.KindOf(err) == extract.Unreachable, err != nil && l.shut(err) != "":
		l.blame(err)
	case l.cfg.Schema != config.Freeze:
		// The walk asks all the same: whatever kept the schema from being read, it
		// meets and reports itself.
	case err != nil:
		l.Worsen(summary.Failed, fmt.Sprintf("schema: freeze, and the vendor's schema cannot be read: %v", err))
	case len(findings) > 0:
		l.Worsen(summary.Failed, "schema: freeze, and the vendor's schema has changed: "+l.Findings[0])
		l.Retry = summary.RetryNever
	}
	return l.Status == summary.Complete
}
