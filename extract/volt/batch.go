package volt

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"sync"

	"github.com/go-faster/jx"

	"nightjar/extract"
	"nightjar/extract/transport"
)

//go:embed wave.graphql
var waveFragment string

// mostUnreadable is how many waves may fail alone before it is the vendor that
// fails, not the waves.
const mostUnreadable = 3

// mostOthers is how many ids may be answered with a wave of another id before it is
// the vendor that does not look at the id: it would answer every one.
const mostOthers = 3

// batcher asks for many waves a request, by aliases. It learns how many the
// vendor answers at once.
type batcher struct {
	fragment string // what is asked of each wave
	endpoint string
	client   *transport.Client
	aliases  int   // most ids a request
	workers  int   // batches under way at once
	budget   int64 // most requests; zero: no limit

	mu         sync.Mutex
	most       int // learned: ids that the vendor answers at once; zero: aliases
	spent      int64
	unreadable []int64 // ids that the vendor cannot answer even alone
	failure    error   // what it said to the latest of them
}

// size is how many ids to put into a request.
func (b *batcher) size() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.most > 0 {
		return b.most
	}
	return b.aliases
}

// batch yields the page of the ids, and several where the vendor does not answer
// all of them at once: halves, halves of halves, down to one.
func (b *batcher) batch(ids []int64) extract.TaskOf[answer] {
	return func(ctx context.Context) iter.Seq2[answer, error] {
		return extract.Sequence(func(give func(answer) error) error {
			_, err := b.split(ctx, ids, give)
			return err
		})
	}
}

// split asks for the ids and reports whether one request answered them all.
func (b *batcher) split(ctx context.Context, ids []int64, give func(answer) error) (whole bool, err error) {
	got, err := b.request(ctx, ids)
	if err == nil {
		return true, give(got)
	}
	if !divisible(err) {
		return false, err
	}
	if len(ids) == 1 {
		return false, b.giveUp(ids[0], err)
	}
	half := (len(ids) + 1) / 2
	left, err := b.split(ctx, ids[:half], give)
	if err != nil {
		return false, err
	}
	right, err := b.split(ctx, ids[half:], give)
	if err == nil && left && right {
		b.learn(half)
	}
	return false, err
}

// divisible reports whether fewer ids may fare better.
func divisible(err error) bool {
	switch extract.KindOf(err) {
	case extract.Refused, extract.TooLarge, extract.TimedOut, extract.Failing:
		return true
	}
	return false
}

// learn notes that two halves were answered where the whole was not: it was the
// number of ids that the vendor refused.
func (b *batcher) learn(half int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.most == 0 || half < b.most {
		b.most = half
	}
}

// giveUp notes a wave that fails alone, and returns the failure where there are
// too many.
func (b *batcher) giveUp(id int64, failure error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unreadable, b.failure = append(b.unreadable, id), failure
	if len(b.unreadable) > mostUnreadable {
		return failure
	}
	return nil
}

// spend takes one request from the budget.
func (b *batcher) spend(next int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.budget > 0 && b.spent == b.budget {
		return &extract.IncompleteError{Reason: fmt.Sprintf("the budget of %d requests is spent, wave ids from %d on are not looked at", b.budget, next), Final: true}
	}
	b.spent++
	return nil
}

func (b *batcher) request(ctx context.Context, ids []int64) (answer, error) {
	if err := b.spend(ids[0]); err != nil {
		return answer{}, err
	}
	var got answer
	q := transport.Query{Operation: "Waves", Text: b.query(ids), Divisible: len(ids) > 1, Read: got.read}
	given, err := b.client.GraphQL(ctx, b.endpoint, q)
	if err != nil {
		return answer{}, err
	}
	if len(got.waves) != len(ids) {
		return answer{}, &extract.Error{Kind: extract.Failing, Vendor: vendor, Err: fmt.Errorf("read waves: %d of %d ids are answered", len(got.waves), len(ids))}
	}
	got.page = q.Page(given)
	return got, nil
}

// query asks for each id by an alias of its own: w101: wave(id: 101).
func (b *batcher) query(ids []int64) string {
	var text strings.Builder
	text.WriteString("query Waves {\n")
	for _, id := range ids {
		fmt.Fprintf(&text, "  w%d: wave(id: %d) { ...Wave }\n", id, id)
	}
	text.WriteString("}\n\n")
	text.WriteString(b.fragment)
	return text.String()
}

// answer is a page, with what it says of each id.
type answer struct {
	page  extract.Page
	waves []answered
}

// answered is what a page says of one id.
type answered struct {
	id      int64
	row     bool // there is a wave, of whatever id
	present bool // and it is the one that was asked for
	other   bool // and it says that it is another
}

// read reads which ids an answer's data is of. The alias tells the id; that the
// wave's own id is the same shows that the vendor has looked at it.
func (a *answer) read(d *jx.Decoder) error {
	a.waves = nil
	return transport.Object(d, func(d *jx.Decoder, alias []byte) error {
		number, ok := bytes.CutPrefix(alias, []byte("w"))
		id, err := strconv.ParseInt(string(number), 10, 64)
		if !ok || err != nil {
			return d.Skip()
		}
		wave, err := readWave(d, id)
		a.waves = append(a.waves, wave)
		return err
	})
}

// readWave reads what the page answers of one id.
func readWave(d *jx.Decoder, id int64) (answered, error) {
	a := answered{id: id, row: d.Next() != jx.Null}
	err := transport.Object(d, func(d *jx.Decoder, name []byte) error {
		if string(name) != "id" {
			return d.Skip()
		}
		text, err := transport.Scalar(d)
		if own, bad := strconv.ParseFloat(text, 64); bad == nil {
			a.present, a.other = own == float64(id), own != float64(id)
		}
		return err
	})
	return a, err
}
