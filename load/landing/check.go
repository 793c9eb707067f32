package landing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"nightjar/load/ref"
)

// Checked is what Check has read.
type Checked struct {
	Runs     int
	Pages    int
	Bytes    int64           // of the pages' bodies
	Problems []*CorruptError // by reference
	SetAside []string        // references of what is damaged, and done without already
}

// check is a Check under way.
type check struct {
	zone *Zone
	mu   sync.Mutex
	Checked
}

// Check reads every landed page of every run against its hash, and every journal; of a
// page also what makes it a member of a tar, without which its bytes are whole.
// It holds a page a core, whatever has landed, and ends with ctx.
func (z *Zone) Check(ctx context.Context) (*Checked, error) {
	c := &check{zone: z}
	pages := make(chan Landed)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(pages)
		return c.list(ctx, pages)
	})
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			c.read(pages)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("checking the landing zone: %w", err)
	}
	slices.SortFunc(c.Problems, func(a, b *CorruptError) int { return cmp.Compare(a.Ref.String(), b.Ref.String()) })
	slices.Sort(c.SetAside)
	return &c.Checked, nil
}

// list sends the pages of every run.
func (c *check) list(ctx context.Context, pages chan<- Landed) error {
	streams, err := c.zone.Streams()
	if err != nil {
		return err
	}
	for _, s := range streams {
		ids, err := c.zone.RunIDs(s)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := c.listRun(ctx, s.Run(id), pages); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *check) listRun(ctx context.Context, run ref.Run, pages chan<- Landed) error {
	r, err := c.zone.Run(run)
	if errors.Is(err, fs.ErrNotExist) {
		return ctx.Err() // it died before it said anything
	}
	if err != nil {
		c.problem(run.Journal(), err)
		return ctx.Err()
	}
	c.mu.Lock()
	c.Runs++
	c.mu.Unlock()
	if r.Damage != nil {
		aside, err := c.zone.JournalIsAside(r)
		c.damaged(r.Damage, aside, err)
	}
	last := 0
	for page, err := range r.Pages() {
		if err != nil {
			c.problem(run.Journal(), err)
			break
		}
		if page.Seq != last+1 {
			c.problem(run.Journal(), fmt.Errorf("page %d follows page %d: lines are missing between them", page.Seq, last))
		}
		last = page.Seq
		select {
		case pages <- page:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// read reads pages until there are no more.
func (c *check) read(pages <-chan Landed) {
	var body []byte
	for page := range pages {
		found, err := c.zone.Body(&page, body)
		if err == nil {
			body = found
			err = c.zone.checkMember(&page)
		}
		c.mu.Lock()
		c.Pages++
		c.Bytes += page.Bytes
		c.mu.Unlock()
		if corrupt, ok := errors.AsType[*CorruptError](err); ok {
			aside, err := c.zone.IsAside(page)
			c.damaged(corrupt, aside, err)
		} else if err != nil {
			c.problem(page.Ref, err)
		}
	}
}

// damaged notes damage, and whether it is set aside; err says that this cannot be told.
func (c *check) damaged(e *CorruptError, aside bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		e = &CorruptError{Ref: e.Ref, Err: errors.Join(e.Err, err)}
	}
	if aside {
		c.SetAside = append(c.SetAside, e.Ref.String())
		return
	}
	c.Problems = append(c.Problems, e)
}

// problem notes an error that may be a *CorruptError already.
func (c *check) problem(at ref.Page, err error) {
	corrupt, ok := errors.AsType[*CorruptError](err)
	if !ok {
		corrupt = &CorruptError{Ref: at, Err: err}
	}
	c.damaged(corrupt, false, nil)
}
