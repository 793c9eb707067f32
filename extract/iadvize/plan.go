package iadvize

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"nightjar/extract"
)

const (
	late    = 48 * time.Hour     // after its close, a conversation may be given transactions
	night   = 8 * 24 * time.Hour // up to here a stretch is one window
	morsel  = 3 * 24 * time.Hour // a last month shorter than this joins the one before
	oneDay  = 24 * time.Hour
	dateFmt = "2006-01-02"

	// mostWindows bounds a plan: more than a year of hours, eight centuries of months.
	mostWindows = 10_000
)

// Plan lists the windows from the lookback before the bookmark, or from the
// start, to now; for a backfill, those of its interval.
func (s *ClosedConversations) Plan(ctx context.Context, ask extract.Ask) ([]extract.Window, error) {
	from, to, err := s.stretch(ctx, ask)
	if err != nil {
		return nil, err
	}
	s.ask = ask
	parts, err := s.cut(from, to)
	if err != nil {
		return nil, err
	}
	var windows []extract.Window
	for _, at := range parts {
		windows = append(windows, extract.Window{
			ID: s.id(at.from, at.to), From: at.from.UTC(), To: at.to.UTC(),
			Settled: !at.to.Add(max(s.cfg.Lookback, late)).After(ask.Now), Scope: s.scope(),
		})
	}
	return windows, nil
}

// stretch is the whole interval to ask for.
func (s *ClosedConversations) stretch(ctx context.Context, ask extract.Ask) (from, to time.Time, err error) {
	switch {
	case ask.Backfill():
		to = ask.To
		if to.IsZero() || to.After(ask.Now) {
			to = ask.Now
		}
		return ask.From, to, nil
	case ask.Bookmark != nil && !ask.Full:
		mark, err := s.readBookmark(ask)
		if err != nil {
			return from, to, err
		}
		before, err := ask.Since(ctx, mark)
		if err != nil {
			return from, to, err
		}
		if !before.IsZero() {
			from = s.midnight(before.Add(-s.cfg.Lookback), 0)
		}
	}
	if from.Before(s.cfg.Start) {
		from = s.cfg.Start
	}
	if from.IsZero() {
		return from, to, errors.New("neither a bookmark nor a start says where to begin")
	}
	return from, ask.Now, nil
}

// scope names the projects whose conversations are asked for.
func (s *ClosedConversations) scope() string {
	if len(s.cfg.Projects) == 0 {
		return ""
	}
	return fmt.Sprint("projects ", slices.Sorted(slices.Values(s.cfg.Projects)))
}

type interval struct{ from, to time.Time }

// cut divides the stretch into windows, as many as can be held and landed.
func (s *ClosedConversations) cut(from, to time.Time) ([]interval, error) {
	var all []interval
	for at := from; at.Before(to); {
		if len(all) == mostWindows {
			return nil, fmt.Errorf("plan %s: %s to %s takes more than %d windows of %s; want a wider window, or a later first day",
				Name, from.In(s.cfg.Location).Format(dateFmt), to.In(s.cfg.Location).Format(dateFmt), mostWindows, s.width())
		}
		next := s.next(at, to)
		if next.After(to) {
			next = to
		}
		all = append(all, interval{at, next})
		at = next
	}
	return all, nil
}

// width is the width of a window in words.
func (s *ClosedConversations) width() string {
	if s.cfg.Window == 0 || s.cfg.Window == oneDay {
		return "a month"
	}
	return s.cfg.Window.String()
}

// next is where the window that begins at from ends.
func (s *ClosedConversations) next(from, to time.Time) time.Time {
	if days := s.cfg.Window / oneDay; days > 1 && s.cfg.Window%oneDay == 0 {
		return s.midnight(from, int(days))
	}
	if s.cfg.Window > 0 && s.cfg.Window != oneDay {
		return from.Add(s.cfg.Window)
	}
	if to.Sub(from) <= night {
		return to
	}
	local := from.In(s.cfg.Location)
	month := s.date(local.Year(), local.Month()+1, 1)
	if to.Sub(month) < morsel {
		return to
	}
	return month
}

// midnight begins the business day that lies days after the one of t.
func (s *ClosedConversations) midnight(t time.Time, days int) time.Time {
	local := t.In(s.cfg.Location)
	return s.date(local.Year(), local.Month(), local.Day()+days)
}

// date begins a business day. Where the clock skips midnight, the day begins an
// hour later.
func (s *ClosedConversations) date(year int, month time.Month, day int) time.Time {
	noon := time.Date(year, month, day, 12, 0, 0, 0, s.cfg.Location)
	t := time.Date(year, month, day, 0, 0, 0, 0, s.cfg.Location)
	if t.Day() != noon.Day() {
		t = t.Add(time.Hour)
	}
	return t
}

// id names a window by its business days, first to last, and by its instants
// where it has no whole ones.
func (s *ClosedConversations) id(from, to time.Time) string {
	from = from.In(s.cfg.Location)
	if s.cfg.Window%oneDay != 0 {
		return from.Format("2006-01-02T15:04:05Z07:00")
	}
	first, last := from.Format(dateFmt), to.Add(-1).In(s.cfg.Location).Format(dateFmt)
	if first == last {
		return first
	}
	return first + ".." + last
}
