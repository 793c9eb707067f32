package iadvize

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"nightjar/extract"
	"nightjar/extract/coverage"
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

// Plan lists the windows, from the start to now, of what the bookmark does not cover
// and of what may have changed since; for a backfill, those of its interval. They
// ascend and do not overlap. Projects that need the same stretch are asked for
// together, so that a night is one window; one that is new gets its history by
// itself.
func (s *ClosedConversations) Plan(ctx context.Context, ask extract.Ask) ([]extract.Window, error) {
	var basis coverage.Basis[int64]
	var stretches []stretch
	var err error
	if ask.Backfill() {
		stretches = []stretch{{s.backfill(ask), asked(s.cfg.Projects)}}
	} else if basis, err = coverage.BasisOf(ctx, ask, s.cfg.Lookback, isProject); err == nil {
		stretches, err = s.missing(basis.Have, ask.Now)
	}
	if err != nil {
		return nil, err
	}
	s.ask = ask
	var windows []extract.Window
	for _, whole := range stretches {
		parts, err := s.cut(whole.From, whole.To)
		if err != nil {
			return nil, err
		}
		for _, at := range parts {
			w := extract.Window{
				ID: s.id(at.From, at.To, whole.projects), From: at.From.UTC(), To: at.To.UTC(),
				Settled: !at.To.Add(max(s.cfg.Lookback, late)).After(ask.Now), Scope: scopeOf(whole.projects),
			}
			if !ask.Backfill() {
				w.Covers = basis.Covers(at, ask.Now, s.cfg.Lookback, whole.projects...)
			}
			windows = append(windows, w)
		}
	}
	return windows, nil
}

// backfill is the interval of a backfill.
func (s *ClosedConversations) backfill(ask extract.Ask) coverage.Interval {
	if ask.To.IsZero() || ask.To.After(ask.Now) {
		ask.To = ask.Now
	}
	return coverage.Interval{From: ask.From, To: ask.To}
}

// missing is what is to be asked for, in ascending order. It goes by whole business
// days.
func (s *ClosedConversations) missing(have coverage.Coverage[int64], now time.Time) ([]stretch, error) {
	wanted := map[int64][]coverage.Interval{}
	for _, project := range asked(s.cfg.Projects) {
		pieces, start := of(have, project), s.cfg.Start
		if start.IsZero() {
			if len(pieces) == 0 {
				return nil, errors.New("neither a bookmark nor a start says where to begin")
			}
			start = pieces[0].From
		}
		for _, i := range coverage.Missing(pieces, start, now, s.cfg.Lookback) {
			wanted[project] = append(wanted[project], s.wholeDays(i, start, now))
		}
	}
	return together(wanted), nil
}

// wholeDays widens an interval to business days, within start and now.
func (s *ClosedConversations) wholeDays(i coverage.Interval, start, now time.Time) coverage.Interval {
	i.From = coverage.Latest(s.midnight(i.From, 0), start)
	if s.midnight(i.To, 0).Before(i.To) {
		i.To = s.midnight(i.To, 1)
	}
	i.To = coverage.Earliest(i.To, now)
	return i
}

// cut divides the stretch into windows, as many as can be held and landed.
func (s *ClosedConversations) cut(from, to time.Time) ([]coverage.Interval, error) {
	var all []coverage.Interval
	for at := from; at.Before(to); {
		if len(all) == mostWindows {
			return nil, fmt.Errorf("plan %s: %s to %s takes more than %d windows of %s; want a wider window, or a later first day",
				Name, from.In(s.cfg.Location).Format(dateFmt), to.In(s.cfg.Location).Format(dateFmt), mostWindows, s.width())
		}
		next := coverage.Earliest(s.next(at, to), to)
		all = append(all, coverage.Interval{From: at, To: next})
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
// where it has no whole ones; also by its projects, where they are not all.
func (s *ClosedConversations) id(from, to time.Time, projects []int64) string {
	whose := ""
	if !slices.Equal(projects, asked(s.cfg.Projects)) {
		whose = " of " + strings.ReplaceAll(strings.Trim(fmt.Sprint(projects), "[]"), " ", ", ")
	}
	from = from.In(s.cfg.Location)
	if s.cfg.Window%oneDay != 0 {
		return from.Format("2006-01-02T15:04:05Z07:00") + whose
	}
	first, last := from.Format(dateFmt), to.Add(-1).In(s.cfg.Location).Format(dateFmt)
	if first == last {
		return first + whose
	}
	return first + ".." + last + whose
}
