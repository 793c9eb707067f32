package streams

import (
	"context"
	"fmt"
	"strings"
	"time"

	"nightjar/extract"
	"nightjar/extract/aircall"
	"nightjar/load/database"
	"nightjar/transform"
)

var calls = &Stream{
	Stream: transform.Calls(), Records: "calls",
	Open: func(o *Opener) extract.Stream {
		s := o.Config.Sources.Aircall
		return aircall.New(aircall.Config{
			Endpoint: s.Endpoint, Username: s.Username, Password: s.Password.Reveal(),
			Transport: o.transport(s.Wire), FullEvery: o.Pipeline.FullEvery, Warehouse: o.Holdings,
		})
	},
	Again:  func(time.Time, time.Time, string) (string, error) { return "true", nil },
	Settle: settle, Early: aircall.StoppedEarly,
	CredentialKeys: usernameAndPassword,
}

// HeldCalls returns how many of the ids the warehouse holds as calls created from one
// instant up to another. The time is what spares a look at the rest of the history: ids
// are texts, and stand in no order.
func (h *Holdings) HeldCalls(ctx context.Context, ids []string, from, to time.Time) (int, error) {
	quoted := make([]string, len(ids))
	for i, id := range ids {
		quoted[i] = database.Text(id)
	}
	found, err := column[int64](ctx, h, fmt.Sprintf("SELECT count(*) FROM aircall.calls WHERE created_at >= %s AND created_at < %s AND call_id IN (%s)",
		database.Instant(from), database.Instant(to), strings.Join(quoted, ", ")))
	if err != nil || len(found) == 0 {
		return 0, err
	}
	return int(found[0]), nil
}
