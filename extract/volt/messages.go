package volt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"nightjar/extract"
	"nightjar/extract/transport"
)

const messagesStream = "messages"

// Messages is the stream "messages". It implements extract.Stream and
// extract.Checker. What it finds out about paging holds for all its walks.
type Messages struct {
	cfg    Config
	client *transport.Client
	plan   atomic.Pointer[plan]

	inboxes       *paging
	conversations *paging
	sides         sides

	asking   sync.Mutex
	pageInfo string            // selection of pageInfo; empty until it is known
	queries  map[string]string // by operation, cut to what the vendor offers once that is known
}

// NewMessages returns the stream of messages. It opens no socket.
func NewMessages(cfg Config) *Messages {
	cfg = cfg.withDefaults()
	return &Messages{cfg: cfg, client: cfg.connect(), inboxes: newPaging(1), conversations: newPaging(2),
		queries: map[string]string{"Inbox": inboxQuery, "Conversation": conversationQuery}}
}

// walked is the bookmark of messages: when the last run began, and the accounts
// that it walked. An account that is not among them is walked whole.
type walked struct {
	WalkedAt time.Time `json:"walked_at"`
	Accounts []string  `json:"accounts"`
}

// plan is what a walk needs to know of the ask.
type plan struct {
	ask  extract.Ask
	last walked
	end  string // account whose last page carries the bookmark
}

// Plan returns one window for each account.
func (s *Messages) Plan(ctx context.Context, ask extract.Ask) ([]extract.Window, error) {
	p := plan{ask: ask}
	if ask.Bookmark != nil {
		if err := json.Unmarshal(ask.Bookmark, &p.last); err != nil {
			return nil, fmt.Errorf("read the bookmark of volt messages: %w", err)
		}
		var err error
		if p.last.WalkedAt, err = ask.Since(ctx, p.last.WalkedAt); err != nil {
			return nil, err
		}
	}
	var windows []extract.Window
	for _, account := range s.cfg.Accounts {
		windows = append(windows, extract.Window{ID: account})
		p.end = account
	}
	s.plan.Store(&p)
	return windows, nil
}

// since is when the account was last walked to its end; zero where all of it is
// asked for.
func (p plan) since(account string) time.Time {
	if p.ask.Full || p.ask.Backfill() || !slices.Contains(p.last.Accounts, account) {
		return time.Time{}
	}
	return p.last.WalkedAt
}

func (p plan) next(accounts []string) extract.Bookmark {
	if p.ask.Backfill() {
		return nil
	}
	raw, err := json.Marshal(walked{WalkedAt: p.ask.Now.UTC().Truncate(time.Second), Accounts: accounts})
	if err != nil {
		return nil
	}
	return raw
}

// Walk yields the pages of the account's inbox (operation Inbox, no rows), each
// followed by those of the conversations it names (operation Conversation). The
// variables from and to are those of the request: one of them is the account. The
// last page of the last window has the bookmark.
func (s *Messages) Walk(ctx context.Context, w extract.Window) iter.Seq2[extract.Page, error] {
	p := s.plan.Load()
	return extract.OneBehind(func(give func(extract.Page) error) error {
		if p == nil {
			return errors.New("walk volt messages before they are planned")
		}
		a := newAccountWalk(s, *p, w.ID, give)
		err := a.run(ctx)
		return extract.In(err, messagesStream, w.ID, a.pages+1)
	}, func() extract.Bookmark {
		if w.ID != p.end {
			return nil
		}
		return p.next(s.cfg.Accounts)
	})
}
