package operate

import (
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/load/runlog"
)

// underWay reports whether the run of a record writes now: whoever holds the lock has
// written the record, and since it took the lock, for a daemon has one pid for all of its
// runs. A run that ended while the lock was looked at has another record by then.
func underWay(site *warehouse.Site, record runlog.Record) (runlog.Record, bool) {
	if record.Status != runlog.Running {
		return record, false
	}
	writer, writing := site.Writer()
	if writing && record.PID == writer.PID && record.Host == writer.Host && !record.Started.Before(writer.Started) {
		return record, true
	}
	if again, err := site.Records().Read(record.RunID); err == nil {
		record = again
	}
	return record, false
}
