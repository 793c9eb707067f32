package aircall

import (
	"encoding/json"
	"fmt"
	"time"

	"nightjar/extract"
)

// bookmark is the state of the last whole sweep.
type bookmark struct {
	SweptAt   time.Time `json:"swept_at"`
	Calls     int64     `json:"calls"`                // the vendor's total then
	SinceFull int       `json:"since_full,omitempty"` // nights since all calls were asked for
}

func readBookmark(raw extract.Bookmark) (bookmark, error) {
	var b bookmark
	if raw == nil {
		return b, nil
	}
	if err := json.Unmarshal(raw, &b); err != nil {
		return b, fmt.Errorf("read the bookmark of aircall calls: %w", err)
	}
	if b.Calls < 0 || b.SinceFull < 0 {
		return b, fmt.Errorf("read the bookmark of aircall calls: negative count in %s", raw)
	}
	return b, nil
}

// StoppedEarly reports whether a bookmark is of a night that met what was held and
// settled, and asked for no older call. One that cannot be read is of none.
func StoppedEarly(raw extract.Bookmark) bool {
	b, err := readBookmark(raw)
	return err == nil && b.SinceFull > 0
}

// next is the bookmark after the walk, nil for a backfill.
func (p plan) next(total int64, early bool) extract.Bookmark {
	if p.ask.Backfill() {
		return nil
	}
	b := bookmark{SweptAt: p.ask.Now.UTC().Truncate(time.Second), Calls: total}
	if early {
		b.SinceFull = p.last.SinceFull + 1
	}
	raw, err := json.Marshal(b)
	if err != nil { // a year beyond 9999
		return nil
	}
	return raw
}

// mayStopEarly reports whether tonight need not be a full sweep.
func (p plan) mayStopEarly(fullEvery int) bool {
	return fullEvery > 1 && p.ask.Bookmark != nil && !p.ask.Full && !p.ask.Backfill() && p.last.SinceFull+1 < fullEvery
}
