package pipeline_test

import (
	"slices"
	"strings"
	"testing"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/extract/sandbox"
)

// withTwins puts a disabled entry of other settings before every pipeline.
func (v *vendors) withTwins() {
	var all []config.Pipeline
	for _, p := range v.config.Pipelines {
		twin := p
		twin.Name, twin.Enabled, twin.Partition = "old_"+p.Name, false, config.ByDay
		twin.Lookback, twin.Settle = 1000*p.Lookback, 1000*p.Settle
		all = append(all, twin, p)
	}
	v.config.Pipelines = all
}

// Of two entries for a stream the enabled one loads it, wherever it stands: on a
// night, in what the marts call final, on a replay, and from the landing zone alone.
func TestADisabledTwinChangesNothing(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.1})
	v.withTwins()
	v.nights(aDay)
	v.expectMarts()
	files, before := exported(t, v.config.Warehouse), v.bookmarks()

	replay := func() {
		t.Helper()
		r := v.runner(v.config)
		r.Base = noNetwork{t}
		if _, err := r.Replay(t.Context(), pipeline.Rebuild{}); err != nil {
			t.Fatal(err)
		}
		expectSameFiles(t, exported(t, v.config.Warehouse), files)
		for name := range v.bookmarks() {
			if strings.HasPrefix(name, "old_") {
				t.Errorf("%s has a bookmark, and never read anything", name)
			}
		}
	}
	replay()
	if after := v.bookmarks(); len(after) != len(before) || after["conversations"] != before["conversations"] {
		t.Errorf("bookmarks were %v and are %v", before, after)
	}

	v.config.Warehouse = v.withLanding()
	replay()
	if rows := v.query("SELECT source, stream FROM etl.bookmarks WHERE pipeline = 'conversations'"); len(rows) != 1 {
		t.Errorf("a rebuild leaves %d bookmarks of conversations, want 1", len(rows))
	}
	v.pass(aDay)
	if l := legOf(t, v.run(pipeline.Request{}), "conversations"); len(l.Windows) != 1 {
		t.Errorf("the night after a rebuild asks for %d windows, want 1", len(l.Windows))
	}
	v.expectTruth()
	v.expectMarts()
	v.expectStatusWithoutTwins()
}

// expectStatusWithoutTwins expects that only who loads a stream tells how it stands.
func (v *vendors) expectStatusWithoutTwins() {
	v.t.Helper()
	state, err := operate.Status(v.t.Context(), v.runner(v.config).Site)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, p := range state.Pipelines {
		twin := strings.HasPrefix(p.Pipeline, "old_")
		if told := p.Bookmark != "" || !p.FreshAsOf.IsZero() || p.Waiting != nil; told && twin {
			v.t.Errorf("the disabled %s is said to stand at %s", p.Pipeline, p.Bookmark)
		} else if !told && p.Enabled {
			v.t.Errorf("nothing is said of %s", p.Pipeline)
		}
	}
}

// A bookmark is the stream's: a pipeline of another name goes on where the last
// one stopped, and there is still one row for the stream.
func TestAPipelineThatIsRenamedGoesOn(t *testing.T) {
	t.Parallel()
	v := open(t, noon, sandbox.Options{Scale: 0.1})
	v.run(pipeline.Request{})
	i := slices.IndexFunc(v.config.Pipelines, func(p config.Pipeline) bool { return p.Name == "conversations" })
	v.config.Pipelines[i].Name = "chats"
	v.pass(aDay)
	if l := legOf(t, v.run(pipeline.Request{}), "chats"); len(l.Windows) != 1 {
		t.Errorf("the renamed pipeline asks for %d windows, want 1", len(l.Windows))
	}
	rows := v.query("SELECT pipeline FROM etl.bookmarks WHERE stream = 'closed_conversations'")
	if len(rows) != 1 || rows[0]["pipeline"] != "chats" {
		t.Errorf("etl.bookmarks has %v for the stream", rows)
	}
	v.expectTruth()
	v.verify()
}
