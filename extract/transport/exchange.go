package transport

import (
	"net/http"
	"time"

	"github.com/go-faster/jx"

	"nightjar/extract"
)

// exchange is one request of a caller with all its attempts.
type exchange struct {
	operation string
	graphql   bool // judge the envelope too
	signIn    bool // carries credentials of its own
	once      bool
	divisible bool
	schema    bool
	read      func(*jx.Decoder) error
	secrets   []string // of this request, beside its token
	sent      int      // attempts that reached the wire; written by count alone
}

// reading is what came back from the vendor, read as far as it goes. Nothing is
// known of it yet.
type reading struct {
	status int
	header http.Header
	body   []byte
	at     time.Time // when the body was whole
	cut    error     // why it is not: a cut connection
}

// The layers are functions from one of these to one of these, so that New can
// compose them in one line, and what has not been read or judged cannot leave.
type (
	// reader asks once, and reads what comes back to its end.
	reader func(req *http.Request) (*reading, error)
	// asker gives a judged answer, or says why there is none.
	asker func(x *exchange, req *http.Request) (*Answer, error)
)

// count tallies what reaches the wire.
func count(next asker) asker {
	return func(x *exchange, req *http.Request) (*Answer, error) {
		tally := extract.TallyOf(req.Context())
		if x.sent > 0 {
			tally.Retries.Add(1)
		}
		x.sent++
		if x.signIn {
			tally.SignIns.Add(1)
		} else {
			tally.Requests.Add(1)
		}
		return next(x, req)
	}
}
