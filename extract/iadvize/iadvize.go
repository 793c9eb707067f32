// Package iadvize walks the closed conversations of iAdvize, with their
// satisfaction surveys and transactions.
//
// The vendor's query has an interval that filters closedAt, and whose end also
// hides every transaction that came after it; transactions are attributed up to
// 48 hours after the close. So a window is asked for with an interval that ends
// late: 48 hours after the window, or now. What the longer interval returns
// beyond the window is landed and counted too; the warehouse keeps the newest of
// each record.
//
// Each boundary between two windows therefore costs 48 hours of rows twice, and
// nothing is gained by many: day windows would triple the cost. The plan has as
// few boundaries as it can. The days of a night, from the lookback to now, are
// one window and cost what they hold; a longer stretch is cut at the months of
// the business time zone, which costs some 7 % more and lets windows be walked
// side by side and skipped when a run resumes.
//
// The bookmark is what has been asked for: of each project, the stretches of closing
// times, and up to where they do not change any more. The plan is what lies between
// the start and now and is not in there, so that a project that is added, an earlier
// start and a window that failed are all the same to it.
//
// A window that the vendor cannot answer (too large, too slow, failing, paging
// that goes in circles) is halved, down to a second. Where the 48 hours are what
// makes the question too large, the rows are asked for without them, and then,
// for the transactions, once more with them by project and channel, each pair
// that was seen. Where that is too large as well, the 48 hours are shortened, and
// the window ends with an *extract.IncompleteError: later transactions stay hidden.
//
// Neighbouring intervals overlap by a second on either side, so that it makes no
// difference whether the vendor's ends are inclusive.
package iadvize

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"nightjar/extract"
	"nightjar/extract/transport"
)

// Name is the stream's name in errors, landing paths and configuration.
const Name = "closed_conversations"

// Config is one iAdvize account and how it is walked.
type Config struct {
	Endpoint string // GraphQL
	TokenURL string // OAuth 2, grant type password
	Username string
	Password string
	Projects []int64 // all that the account sees if empty
	// Query is the root field to ask, "closedConversations" or
	// "searchClosedConversations"; empty: found by introspection.
	Query     string
	Transport transport.Config

	Location *time.Location // business days; UTC if nil
	Start    time.Time      // first instant ever asked for
	Lookback time.Duration  // how long after its close a conversation may still change
	// Window is the width of the planned windows. Zero or a day leaves it to the
	// plan, which makes as few windows of whole business days as serve.
	Window    time.Duration
	Warehouse Warehouse // nil: nothing is held
}

// Warehouse tells what is already held.
type Warehouse interface {
	// TransactionsHaveIDs reports whether transactions are held by the
	// vendor's id. It may be called by several goroutines at once.
	TransactionsHaveIDs(ctx context.Context) (bool, error)
}

// ClosedConversations is the stream of closed conversations. It implements
// extract.Stream and extract.Checker.
type ClosedConversations struct {
	cfg    Config
	client *transport.Client
	ask    extract.Ask // of the last Plan

	discovery *semaphore.Weighted // once for all windows
	question  *question
}

// New returns the stream. It opens no socket.
func New(cfg Config) *ClosedConversations {
	if cfg.Location == nil {
		cfg.Location = time.UTC
	}
	return &ClosedConversations{cfg: cfg, client: transport.New(cfg.Transport, cfg.signIn), discovery: semaphore.NewWeighted(1)}
}

// signIn gets a token by user name and password; the vendor gives no refresh
// token, so that a renewal is the same request.
func (cfg Config) signIn(ctx context.Context, send transport.Sender, _ *transport.Token) (*transport.Token, error) {
	form := url.Values{"username": {cfg.Username}, "password": {cfg.Password}, "grant_type": {"password"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, cfg.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, errors.New("token URL is not one")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	answer, err := send.Do(req)
	if err != nil {
		return nil, err
	}
	var given struct {
		Access string      `json:"access_token"`
		Life   json.Number `json:"expires_in"` // seconds
	}
	if json.Unmarshal(answer.Body, &given) != nil { // the cause would quote the token
		return nil, errors.New("the answer holds no access_token")
	}
	seconds, _ := strconv.ParseFloat(given.Life.String(), 64) // none: it does not expire
	return &transport.Token{Access: given.Access, Life: time.Duration(min(seconds, 1e9) * float64(time.Second))}, nil
}
