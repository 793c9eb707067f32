package pipeline_test

import (
	"flag"
	"hash/fnv"
	"maps"
	"path"
	"slices"
	"testing"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/extract/sandbox"
)

var cells = flag.String("cells", "some", "which cells of the table of changes and states to try: some or all")

// The streams that the table is about, and the tables that each one fills.
const (
	conversations = "iadvize/closed_conversations"
	calls         = "aircall/calls"
	waves         = "volt/waves"
	messages      = "volt/messages"
)

var tablesOf = map[string][]string{
	conversations: {"iadvize.conversations", "iadvize.transactions"},
	calls:         {"aircall.calls", "aircall.call_notes"},
	waves:         {"volt.waves"},
	messages:      {"volt.messages"},
}

// change is a change of the configuration, and the streams that are run before it and
// after it.
type change struct {
	streams []string
	before  func(*tried) // nil: what the others begin with
	apply   func(*tried)
}

// changes are the rows of the table.
func changes() map[string]change {
	all := map[string]change{
		"a project added":           of(conversations, func(c *tried) { c.names(shop) }, func(c *tried) { c.names(shop, store) }),
		"a project removed":         of(conversations, func(c *tried) { c.names(shop, store) }, func(c *tried) { c.names(shop) }),
		"a project replaced":        of(conversations, func(c *tried) { c.names(shop) }, func(c *tried) { c.names(store) }),
		"all projects after one":    of(conversations, func(c *tried) { c.names(shop) }, func(c *tried) { c.names() }),
		"projects named after all":  of(conversations, func(c *tried) { c.names() }, func(c *tried) { c.names(store) }),
		"an earlier start":          of(conversations, nil, func(c *tried) { c.startsOn(1, 10) }),
		"a later start":             of(conversations, nil, func(c *tried) { c.startsOn(3, 10) }),
		"another unit of durations": of(calls, nil, func(c *tried) { c.config.Sources.Aircall.DurationUnit = time.Second; c.config.Publish.MaxRejects = 1 }),
		"an account added":          of(messages, nil, func(c *tried) { c.accounts(askedAccount, otherAccount) }),
		"an account removed":        of(messages, func(c *tried) { c.accounts(askedAccount, otherAccount) }, func(c *tried) { c.accounts(askedAccount) }),
		"an account replaced":       of(messages, nil, func(c *tried) { c.accounts(otherAccount) }),
		"other channels of marts": of(conversations, nil, func(c *tried) {
			c.config.Marts = config.Marts{CSATChannels: []string{"SMS"}, NPSChannels: []string{"CHAT", "SMS"}}
		}),
		"a smaller drop allowed":     of(conversations, nil, func(c *tried) { c.config.Publish.MaxDrop = 0.1 }),
		"more rejects allowed":       of(calls, nil, func(c *tried) { c.config.Publish.MaxRejects = 1 }),
		"a longer lookback":          of(conversations, nil, func(c *tried) { c.pipeline(conversations).Lookback = 10 * aDay }),
		"a shorter lookback":         of(conversations, nil, func(c *tried) { c.pipeline(conversations).Lookback = 36 * time.Hour }),
		"two pipelines swap names":   {streams: []string{calls, conversations}, apply: (*tried).swapNames},
		"off for a night, and on":    {streams: []string{calls, conversations}, apply: (*tried).offForANight},
		"a zone east of all streams": {streams: []string{calls, conversations, messages, waves}, apply: func(c *tried) { c.zoned("Asia/Kolkata") }},
	}
	for _, stream := range slices.Sorted(maps.Keys(tablesOf)) {
		name := path.Base(stream)
		all["a zone west of "+name] = of(stream, nil, func(c *tried) { c.zoned("America/New_York") })
		all["days of "+name] = of(stream, nil, func(c *tried) { c.pipeline(stream).Partition = config.ByDay })
		all["months again of "+name] = of(stream, func(c *tried) { c.pipeline(stream).Partition = config.ByDay }, func(c *tried) { c.pipeline(stream).Partition = config.ByMonth })
		all["another name of "+name] = of(stream, nil, func(c *tried) { c.pipeline(stream).Name = "renamed" })
		if stream != conversations {
			all["longer to settle for "+name] = of(stream, nil, func(c *tried) { c.pipeline(stream).Settle = 20 * aDay })
			all["shorter to settle for "+name] = of(stream, nil, func(c *tried) { c.pipeline(stream).Settle = aDay })
		}
	}
	return all
}

func of(stream string, before, apply func(*tried)) change {
	return change{[]string{stream}, before, apply}
}

// states are the columns of the table: how the warehouse stands when the configuration
// changes.
var states = map[string]func(*tried){
	"never ran":             func(*tried) {},
	"one good night":        (*tried).good,
	"a night broke off":     func(c *tried) { c.good(); c.pass(aDay); c.breaksOff() },
	"the first night died":  (*tried).breaksOff,
	"a held run":            func(c *tried) { c.good(); c.pass(aDay); c.held() },
	"rolled back":           func(c *tried) { c.good(); c.pass(aDay); c.good(); c.rolledBack() },
	"replayed":              func(c *tried) { c.good(); c.replays() },
	"no generation is left": func(c *tried) { c.good(); c.pass(aDay); c.good(); c.bereft() },
}

// Whatever setting changes, and however the warehouse stands then: the next night either
// has all that the configuration asks for and nothing that was made by another, or it
// says before its first request which setting it is and which command helps. One cell in
// twelve is tried, always the same ones, unless all are asked for: that takes ten minutes.
func TestEveryChangeInEveryState(t *testing.T) {
	one := uint32(12)
	if testing.Short() {
		one = 72
	}
	all := changes()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, state := range slices.Sorted(maps.Keys(states)) {
			h := fnv.New32a()
			h.Write([]byte(name + " / " + state))
			if *cells != "all" && h.Sum32()%one != 0 {
				continue
			}
			t.Run(name+"/"+state, func(t *testing.T) {
				t.Parallel()
				play := all[name]
				c := &tried{vendors: open(t, noon, sandbox.Options{Scale: 0.05, Waves: 14, WaveSize: 5}), streams: play.streams}
				c.startsOn(2, 1)
				if play.before != nil {
					play.before(c)
				}
				defer func() {
					if t.Failed() {
						t.Logf("try it again with: go test ./cmd/etl/internal/pipeline -cells all -run '%s'", t.Name())
					}
				}()
				states[state](c)
				play.apply(c)
				c.nextNight()
				c.expectAsked()
				c.pass(aDay)
				c.good()
				c.expectAsked()
				c.expectFinal()
				(&life{vendors: c.vendors}).expectRebuilt()
			})
		}
	}
}
