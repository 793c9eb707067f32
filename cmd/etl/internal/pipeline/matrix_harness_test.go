package pipeline_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/klauspost/compress/zstd"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/cmd/etl/internal/warehouse"
	"nightjar/extract/sandbox"
)

// firstNight is when the first run of every bubble takes place.
var firstNight = time.Date(2026, 11, 20, 1, 15, 0, 0, time.UTC)

// theatre is the simulated vendors, a warehouse and a runner between them, in a
// bubble of synctest: waits cost nothing, and nothing is random but by seed. The
// vendors' clock stands still during a run.
type theatre struct {
	t      testing.TB
	box    *sandbox.Sandbox
	runner *pipeline.Runner
	clock  *stage
	asked  *ledger
	faults []string
	opt    sandbox.Options
}

// stage is the clock of the vendors and the runner.
type stage struct{ us atomic.Int64 }

func (s *stage) now() time.Time { return time.UnixMicro(s.us.Load()).UTC() }

// script is a pipelines.yaml with every source; its blanks are the warehouse, the
// start of the history, the gate of rejects, the keys of ClientLoop's pipeline and
// the concurrency.
const script = `version: 1
timezone: Europe/Paris
warehouse: %[1]s
sources:
  iadvize: { endpoint: "${IADVIZE_ENDPOINT}", token_url: "${IADVIZE_TOKEN_URL}", username: "${IADVIZE_USERNAME}", password: "${IADVIZE_PASSWORD}", projects: [9999], rate: 1000/s, concurrency: %[5]d }
  aircall: { endpoint: "${AIRCALL_ENDPOINT}", username: "${AIRCALL_USERNAME}", password: "${AIRCALL_PASSWORD}", rate: 1000/s, concurrency: %[5]d }
  volt: { endpoint: "${VOLT_ENDPOINT}", token: "${VOLT_TOKEN}", accounts: ["+10003334444", "+10005556666"], rate: 1000/s, concurrency: %[5]d }
  desk: { endpoint: "${DESK_ENDPOINT}", token: "${DESK_TOKEN}", rate: 1000/s, concurrency: %[5]d }
  clientloop: { endpoint: "${CLIENTLOOP_ENDPOINT}", token: "${CLIENTLOOP_TOKEN}", org_id: "${CLIENTLOOP_ORG_ID}", rate: 1000/s, concurrency: %[5]d }
pipelines:
  - { name: iadvize, source: iadvize, stream: closed_conversations, schedule: "15 2 * * *", lookback: 96h, start: %[2]s }
  - { name: aircall, source: aircall, stream: calls, schedule: "30 2 * * *" }
  - { name: waves, source: volt, stream: waves, schedule: "45 2 * * *", settle: 7d, gap: 400 }
  - { name: messages, source: volt, stream: messages, schedule: "50 2 * * *", settle: 7d }
  - { name: desk, source: desk, stream: conversations, schedule: "0 3 * * *", start: %[2]s }
  - { name: clientloop, source: clientloop, stream: idv_sessions, schedule: "0 4 * * *", %[4]s }
publish: { keep: 2, max_drop: 50%%, max_rejects: %[3]s }
`

// scene is what a theatre plays.
type scene struct {
	sandbox.Options
	days       int    // of history; 20 if zero
	maxRejects string // 0.1% if empty
	contacts   string // the keys of ClientLoop's pipeline; five contacts if empty
	// concurrency of every source; 1 if zero. In a bubble it has to be 1: who waits
	// for a lock keeps the bubble's clock from moving.
	concurrency int
}

func (s scene) rejects() string {
	if s.maxRejects == "" {
		return "0.1%"
	}
	return s.maxRejects
}

func (s scene) who() string {
	if s.contacts == "" {
		return `contacts: [c1, c2, c3, c4, c5]`
	}
	return s.contacts
}

// play runs f in a bubble, with the curtain up at the first night.
func play(t *testing.T, s scene, f func(*theatre)) {
	t.Helper()
	dir := t.TempDir()
	warm(t)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(firstNight))
		f(raise(t, s, dir))
	})
}

// warm lets Arrow make what it shares between all readers and writers of zstd. In
// a bubble it would belong to that bubble alone.
func warm(t *testing.T) {
	t.Helper()
	codec, err := compress.GetCodec(compress.Codecs.Zstd)
	if err != nil {
		t.Fatal(err)
	}
	text := []byte("zstd")
	room := codec.CompressBound(int64(len(text)))
	for _, packed := range [][]byte{codec.Encode(make([]byte, room), text), codec.EncodeLevel(make([]byte, room), text, 1)} {
		if got := codec.Decode(make([]byte, len(text)), packed); string(got) != string(text) {
			t.Fatalf("zstd makes %q of %q", got, text)
		}
	}
}

// raise builds the vendors and the runner. Outside a bubble, waits take their time.
func raise(t testing.TB, s scene, dir string) *theatre {
	t.Helper()
	clock := &stage{}
	clock.us.Store(time.Now().UnixMicro())
	if s.days == 0 {
		s.days = 20
	}
	s.Clock, s.End = clock.now, clock.now()
	s.Start = s.End.AddDate(0, 0, -s.days)
	if s.RetryAfter == 0 {
		s.RetryAfter = 2 * time.Second
	}
	box, err := sandbox.New(s.Options)
	if err != nil {
		t.Fatal(err)
	}
	h := &theatre{t: t, box: box, clock: clock, faults: s.Faults, opt: s.Options,
		asked: &ledger{next: box.Handler(), counts: map[string]int{}, most: map[string]int{}, busy: map[string]int{}}}
	path := filepath.Join(dir, "pipelines.yaml")
	// Records of the first day may have begun the day before in business time.
	start := s.Start.AddDate(0, 0, -1).Format(time.DateOnly)
	text := fmt.Sprintf(script, filepath.Join(dir, "warehouse"), start, s.rejects(), s.who(), max(1, s.concurrency))
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	env := box.Env("http://127.0.0.1:9")
	cfg, err := config.Load(path, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	h.runner = &pipeline.Runner{Base: serveInside(t, h.asked), Site: &warehouse.Site{Config: cfg, Version: "test", Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: clock.now}}
	return h
}

// change has the vendors misbehave otherwise, with the data that they have.
func (h *theatre) change(faults ...string) {
	h.t.Helper()
	h.opt.Faults = faults
	box, err := sandbox.New(h.opt)
	if err != nil {
		h.t.Fatal(err)
	}
	h.box, h.faults = box, faults
	h.asked.mu.Lock()
	defer h.asked.mu.Unlock()
	h.asked.next = box.Handler()
}

// nightLater moves every clock on by a day.
func (h *theatre) nightLater() { h.later(24 * time.Hour) }

func (h *theatre) later(d time.Duration) {
	time.Sleep(max(0, time.Until(h.clock.now().Add(d))))
	h.clock.us.Store(time.Now().UnixMicro())
}

// run runs the pipelines once.
func (h *theatre) run(request pipeline.Request) *summary.Summary {
	h.t.Helper()
	run, err := h.runner.Run(h.t.Context(), request)
	if err != nil {
		h.t.Fatalf("run: %v", err)
	}
	return run
}

// pipelinesOf are the pipelines of a source.
func pipelinesOf(source string) []string {
	if source == "volt" {
		return []string{"messages", "waves"}
	}
	return []string{source}
}

// verified fails the test where the live generation does not verify.
func (h *theatre) verified() {
	h.t.Helper()
	v, err := operate.Verify(h.t.Context(), h.runner.Site)
	if err != nil {
		h.t.Fatalf("verify: %v", err)
	}
	for _, p := range v.Problems {
		h.t.Errorf("verify: %s", p)
	}
}

// live is what current points to; empty before the first publication.
func (h *theatre) live() string {
	target, _ := os.Readlink(filepath.Join(h.runner.Config.Warehouse, "current")) // empty where it is none
	return target
}

// seedFor is a seed with which a fault of the wire strikes the second request
// of every vendor; 1 for the other faults.
func seedFor(fault string) uint64 {
	_, tail, ok := strings.Cut(sandbox.FaultDoc(fault), ", at every ")
	var every uint64
	if !ok {
		return 1
	}
	if _, err := fmt.Sscanf(tail, "%dth", &every); err != nil {
		return 1
	}
	return every - 2
}

// unpack reads the pages of a pack.
func unpack(t testing.TB, pack []byte) (pages [][]byte) {
	t.Helper()
	r, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for members := tar.NewReader(bytes.NewReader(pack)); ; {
		if _, err := members.Next(); err == io.EOF {
			return pages
		} else if err != nil {
			t.Fatal(err)
		}
		packed, err := io.ReadAll(members)
		if err != nil {
			t.Fatal(err)
		}
		page, err := r.DecodeAll(packed, nil)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, page)
	}
}
