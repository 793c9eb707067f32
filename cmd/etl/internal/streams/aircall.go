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

// HeldCalls returns how many of the ids the warehouse holds.
func (h *Holdings) HeldCalls(ctx context.Context, ids []string) (int, error) {
	quoted := make([]string, len(ids))
	for i, id := range ids {
		quoted[i] = database.Text(id)
	}
	found, err := column[int64](ctx, h, fmt.Sprintf("SELECT count(*) FROM aircall.calls WHERE call_id IN (%s)", strings.Join(quoted, ", ")))
	if err != nil || len(found) == 0 {
		return 0, err
	}
	return int(found[0]), nil
}
