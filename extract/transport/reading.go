package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// errLate is the cause of a context that our own time limit ended.
var errLate = errors.New("time limit of one attempt")

// within gives one attempt its time, body included, and a body of its own to
// send.
func (c *Client) within(next reader) reader {
	return func(req *http.Request) (*reading, error) {
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
		got, err := next(attempt)
		if (err != nil || got.cut != nil) && context.Cause(ctx) == errLate {
			return nil, errLate
		}
		return got, err
	}
}

// errTooLarge says that an answer passed the size cap.
var errTooLarge = errors.New("answer passes the size cap")

// whole reads the answer to its end, and not a byte past the size cap: the
// connection of a larger one is closed with the rest unread.
func (c *Client) whole(exit http.RoundTripper) reader {
	return func(req *http.Request) (*reading, error) {
		res, err := exit.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		if res.ContentLength > c.cfg.MaxBody {
			return nil, errTooLarge
		}
		body, err := readAll(res.Body, res.ContentLength, c.cfg.MaxBody)
		if errors.Is(err, errTooLarge) {
			return nil, err
		}
		return &reading{res.StatusCode, res.Header, body, time.Now().UTC().Truncate(time.Microsecond), err}, nil
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
