package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/go-faster/jx"

	"nightjar/extract"
)

// exchange is one request of a caller with all its attempts; it travels in the
// context, since the GraphQL client takes no more than that along.
type exchange struct {
	operation string
	graphql   bool // judge the envelope too
	signIn    bool // carries credentials of its own
	once      bool
	divisible bool
	schema    bool
	read      func(*jx.Decoder) error
	secrets   []string // of this request, beside its token
	sent      int      // attempts that reached the wire
	answer    *Answer  // set by keep
}

type exchangeKey struct{}

func inExchange(ctx context.Context, x *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// body is an answer read to its end. Decorators that need the bytes take them
// from here, so that they are never copied.
type body struct {
	*bytes.Reader
	bytes []byte
	at    time.Time // when it was whole
	err   error     // why it is not: a cut connection
}

func (*body) Close() error { return nil }

// keep stores the judged answer in the exchange, and leaves to the GraphQL
// client an answer that costs nothing to decode.
func (c *Client) keep(next roundTripper) roundTripper {
	return func(req *http.Request) (*http.Response, error) {
		res, err := next(req)
		if err != nil {
			return nil, err
		}
		whole := res.Body.(*body)
		header := res.Header.Clone()
		header.Del("Set-Cookie")
		exchangeOf(req.Context()).answer = &Answer{Body: whole.bytes, Status: res.StatusCode, Header: header, At: whole.at}
		return reply(req), nil
	}
}

// reply is the answer that the GraphQL client is shown.
func reply(req *http.Request) *http.Response {
	const text = `{"data":null}`
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/json"}},
		Body:          io.NopCloser(bytes.NewReader([]byte(text))),
		ContentLength: int64(len(text)), Request: req,
	}
}

// count tallies what reaches the wire.
func (c *Client) count(next roundTripper) roundTripper {
	return func(req *http.Request) (*http.Response, error) {
		x, tally := exchangeOf(req.Context()), extract.TallyOf(req.Context())
		if x.sent > 0 {
			tally.Retries.Add(1)
		}
		x.sent++
		if x.signIn {
			tally.SignIns.Add(1)
		} else {
			tally.Requests.Add(1)
		}
		return next(req)
	}
}

// errLate is the cause of a context that our own time limit ended.
var errLate = errors.New("time limit of one attempt")

// within gives one attempt its time, body included, and a body of its own to
// send.
func (c *Client) within(next roundTripper) roundTripper {
	return func(req *http.Request) (*http.Response, error) {
		ctx, cancel := context.WithTimeoutCause(req.Context(), c.cfg.Timeout, errLate)
		defer cancel()
		attempt := req.Clone(ctx)
		if req.GetBody != nil {
			fresh, err := req.GetBody()
			if err != nil {
				return nil, err
			}
			attempt.Body = fresh
		}
		res, err := next(attempt)
		if err != nil && context.Cause(ctx) == errLate {
			return nil, errLate
		}
		if res != nil && res.Body.(*body).err != nil && context.Cause(ctx) == errLate {
			return nil, errLate
		}
		return res, err
	}
}

// errTooLarge says that an answer passed the size cap.
var errTooLarge = errors.New("answer passes the size cap")

// whole reads the answer to its end, and not a byte past the size cap: the
// connection of a larger one is closed with the rest unread.
func (c *Client) whole(next roundTripper) roundTripper {
	return func(req *http.Request) (*http.Response, error) {
		res, err := next(req)
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		if res.ContentLength > c.cfg.MaxBody {
			return nil, errTooLarge
		}
		data, err := readAll(res.Body, res.ContentLength, c.cfg.MaxBody)
		if errors.Is(err, errTooLarge) {
			return nil, err
		}
		res.Body = &body{Reader: bytes.NewReader(data), bytes: data, at: time.Now().UTC().Truncate(time.Microsecond), err: err}
		return res, nil
	}
}

// The pieces in which an answer of unknown length is read, in bytes.
const (
	firstPiece = 64 << 10
	mostPiece  = 1 << 20
)

// readAll reads r to its end. Length is what the header promised, -1 if nothing.
// What it returns takes no more than it holds, since pages wait for their turn, and
// reading takes twice that at the most.
func readAll(r io.Reader, length, most int64) ([]byte, error) {
	r = io.LimitReader(r, most+1)
	var whole [][]byte // the pieces before the one at hand
	var total int64
	piece := make([]byte, 0, max(length+1, firstPiece)) // with room to see the end
	var err error
	for err == nil {
		if len(piece) == cap(piece) {
			whole = append(whole, piece)
			piece = make([]byte, 0, min(2*cap(piece), mostPiece))
		}
		var n int
		n, err = r.Read(piece[len(piece):cap(piece)])
		piece = piece[:len(piece)+n]
		total += int64(n)
	}
	switch {
	case total > most:
		return nil, errTooLarge
	case err == io.EOF && length > total:
		err = io.ErrUnexpectedEOF
	case err == io.EOF:
		err = nil
	}
	if len(whole) == 0 {
		return piece, err
	}
	return bytes.Join(append(whole, piece), nil), err
}
