package streams

import (
	"context"
	"fmt"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/extract"
	"nightjar/extract/iadvize"
	"nightjar/load/database"
	"nightjar/transform"
)

var conversations = &Stream{
	Stream: transform.ClosedConversations(), Records: "conversations",
	Open: func(o *Opener) extract.Stream {
		s := o.Config.Sources.IAdvize
		return iadvize.New(iadvize.Config{
			Endpoint: s.Endpoint, TokenURL: s.TokenURL, Username: s.Username, Password: s.Password.Reveal(),
			Projects: s.Projects, Query: s.Query, Transport: o.transport(s.Wire),
			Location: o.Config.Timezone, Start: o.Pipeline.Start, Lookback: o.Pipeline.Lookback, Window: o.Pipeline.Window,
			Warehouse: o.Holdings,
		})
	},
	Again: closedOf, Changed: "closed_at", Settle: lookback, Attribution: 48 * time.Hour, Extend: iadvize.Extend,
	AsOf: func(c *config.Config, p config.Pipeline, b extract.Bookmark) time.Time {
		if c.Sources.IAdvize == nil { // a pipeline that is not enabled needs no source
			return time.Time{}
		}
		return iadvize.AsOf(b, c.Sources.IAdvize.Projects, p.Start)
	},
	Left: func(_ context.Context, o *Opener) ([]string, error) {
		return iadvize.Left(o.Bookmark, o.Config.Sources.IAdvize.Projects, o.Pipeline.Start), nil
	},
	CredentialKeys: usernameAndPassword, SignInKeys: "token_url",
}

const usernameAndPassword = "username and password (or password_file)"

// closedOf is the condition for the conversations of a window's projects.
func closedOf(from, to time.Time, scope string) (string, error) {
	closed := fmt.Sprintf("closed_at >= %s AND closed_at < %s AND ", database.Instant(from), database.Instant(to))
	projects, err := iadvize.ProjectsOf(scope)
	if err != nil || projects == nil {
		return closed + "true", err
	}
	return closed + fmt.Sprintf("project_id IN (%s)", list(projects)), nil
}

// TransactionsHaveIDs reports whether a transaction of iAdvize is held by the
// vendor's id. Where the vendor gives none, the key is a hash of 32 digits.
func (h *Holdings) TransactionsHaveIDs(ctx context.Context) (bool, error) {
	found, err := column[int64](ctx, h, "SELECT 1 FROM iadvize.transactions WHERE NOT regexp_full_match(transaction_id, '[0-9a-f]{32}') LIMIT 1")
	return len(found) > 0, err
}
