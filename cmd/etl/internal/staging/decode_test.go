package staging

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"golang.org/x/sync/semaphore"

	"nightjar/cmd/etl/internal/streams"
	"nightjar/load"
	"nightjar/load/landing"
	"nightjar/load/ref"
	"nightjar/transform"
)

// decoderFunc is a decoder of a test.
type decoderFunc func(transform.Page)

func (f decoderFunc) Decode(p transform.Page, _ []byte, _ *transform.Rows) { f(p) }

// A panic of a decoder is an error that names the page. Whoever sends pages does
// not wait for the decoder, and the locks that it held are free.
func TestAPanicOfADecoderIsAnError(t *testing.T) {
	stream, err := streams.Of(ref.Stream{Source: "aircall", Name: "calls"})
	if err != nil {
		t.Fatal(err)
	}
	r := &Rows{Stream: stream, learn: func(transform.Table, arrow.Record) { panic("of who learns") }}
	for _, c := range []struct {
		name   string
		decode decoderFunc
		want   string
	}{
		{"in a page", func(p transform.Page) {
			if strings.HasSuffix(p.Ref, "/000003") {
				panic("of the decoder")
			}
		}, "decode page aircall/calls/run/000003: a fault in the program: of the decoder"},
		{"while rows are staged", func(transform.Page) { r.show(transform.Rejects(), nil) }, "decode page aircall/calls/run/000001: a fault in the program: of who learns"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDecoders()
			d.room = semaphore.NewWeighted(8) // bytes: the sender soon has to wait
			r.startDecoder(c.decode, d)
			var err error
			for i := 1; err == nil && i <= 10*waitingPages; i++ {
				err = d.Send(landing.Landed{Ref: stream.Ref().Run("run").Page(i), Seq: i, Request: []byte("{}"), At: time.Unix(0, 0)}, []byte("body"))
			}
			var fault *load.PanicError
			if !errors.As(err, &fault) || err.Error() != c.want {
				t.Errorf("send: %v, want %s", err, c.want)
			}
			if err := d.wait(); !errors.As(err, &fault) || err.Error() != c.want {
				t.Errorf("wait: %v, want %s", err, c.want)
			}
			if !r.mu.TryLock() {
				t.Fatal("a lock is held by a decoder that is gone")
			}
			r.mu.Unlock()
		})
	}
}
