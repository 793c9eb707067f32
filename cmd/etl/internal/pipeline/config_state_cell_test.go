package pipeline_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/summary"
	"nightjar/extract/sandbox"
)

// otherAccount is the one that the sandbox has besides.
const otherAccount = "+10005556666"

// tried is a warehouse of the table of changes and states.
type tried struct {
	*vendors
	streams []string
	lost    bool // its generations are
}

// pipeline is the one that loads a stream, whatever its name.
func (c *tried) pipeline(key string) *config.Pipeline {
	for i := range c.config.Pipelines {
		if p := &c.config.Pipelines[i]; p.Source+"/"+p.Stream == key {
			return p
		}
	}
	c.t.Fatalf("no pipeline loads %s", key)
	return nil
}

// request is for the streams of the cell.
func (c *tried) request() pipeline.Request {
	var q pipeline.Request
	for _, key := range c.streams {
		if p := c.pipeline(key); p.Enabled {
			q.Pipelines = append(q.Pipelines, p.Name)
		}
	}
	return q
}

func (c *tried) accounts(phones ...string) { c.config.Sources.Volt.Accounts = phones }

// zoned begins the business days, and the history, in another zone.
func (c *tried) zoned(name string) { c.in(name, 2026, 2, 1) }

func (c *tried) swapNames() {
	a, b := c.pipeline(calls), c.pipeline(conversations)
	a.Name, b.Name = b.Name, a.Name
}

func (c *tried) offForANight() {
	c.pass(aDay)
	c.pipeline(conversations).Enabled = false
	c.attempt(c.request())
	c.pipeline(conversations).Enabled = true
}

// good is a night on which all goes well.
func (c *tried) good() {
	c.t.Helper()
	c.run(c.request())
}

// breaksOff is a run for all that is asked for, in which the vendors refuse to go on when
// something has landed: of conversations, the first month.
func (c *tried) breaksOff() {
	c.t.Helper()
	c.oneByOne()
	seen := map[string]int{}
	c.refuse(func(a asked) bool {
		if a.vendor == "iadvize" {
			return intervalOf(c.t, a).from.After(time.Date(2026, 2, 10, 0, 0, 0, 0, time.UTC))
		}
		seen[a.vendor]++
		return seen[a.vendor] > 1
	})
	request := c.request()
	request.Full = true
	run := c.attempt(request)
	c.refuse(nil)
	pages := int64(0)
	for _, l := range run.Pipelines {
		pages += l.Pages
		if l.Status != summary.Failed {
			c.t.Fatalf("%s is %s: this proves nothing", l.Pipeline, l.Status)
		}
	}
	if pages == 0 {
		c.t.Fatal("nothing has landed: this proves nothing")
	}
}

func (c *tried) oneByOne() {
	s := c.config.Sources
	s.IAdvize.Concurrency, s.Aircall.Concurrency, s.Volt.Concurrency = 1, 1, 1
}

// held is a night that cannot be trusted: it shows almost nothing of what was there, or
// times that are none.
func (c *tried) held() {
	c.t.Helper()
	few := c.another(sandbox.Options{Scale: 0.002, Waves: 14, WaveSize: 5, Seed: c.opt.Seed, End: noon})
	whole := c.swap(few)
	c.rewrite(func(vendor string, answer []byte) []byte {
		if vendor != "volt" {
			return answer
		}
		for _, name := range []string{`"sentAt":"`, `"scheduledTime":"`} {
			answer = bytes.ReplaceAll(answer, []byte(name), []byte(name+"x"))
		}
		return answer
	})
	request := c.request()
	request.Full = true
	run := c.attempt(request)
	c.rewrite(nil)
	c.swap(whole)
	for _, l := range run.Pipelines {
		if l.Status != summary.Held && l.Status != summary.Incomplete {
			c.t.Fatalf("%s is %s: this proves nothing", l.Pipeline, l.Status)
		}
	}
}

func (c *tried) rolledBack() {
	c.t.Helper()
	if _, _, err := operate.Rollback(c.t.Context(), c.runner(c.config).Site, 1); err != nil {
		c.t.Fatal(err)
	}
}

// replays makes the tables anew.
func (c *tried) replays() {
	c.t.Helper()
	if !c.replayed() {
		c.t.Error("there is nothing to replay")
	}
}

// bereft has the warehouse lose all but its landing zone and run records.
func (c *tried) bereft() {
	c.t.Helper()
	c.config.Warehouse, c.lost = c.backup().config.Warehouse, true
}

// nextNight is the one after the change. Where it refuses, it does so before it asks for
// anything, and what it says to do helps.
func (c *tried) nextNight() {
	c.t.Helper()
	if c.lost {
		c.replays()
	}
	c.pass(aDay)
	c.requests()
	run, err := c.runner(c.config).Run(c.t.Context(), c.request())
	if err == nil && run.Status == summary.Complete {
		return
	}
	said := fmt.Sprint(err)
	if err == nil {
		said = run.Reason + "\n" + reasons(run)
	}
	if n := len(c.requests()); n > 0 || !strings.Contains(said, " was ") || !strings.Contains(said, "etl replay") {
		c.t.Fatalf("after %d requests the night ends so: %s", n, said)
	}
	c.t.Logf("it refuses: %s", said)
	c.replays()
	c.good()
}

// expectAsked expects of the tables what the configuration asks for, as the vendors hold
// it. What earlier settings asked for besides may stay, and is of the business days of
// today.
func (c *tried) expectAsked() {
	c.t.Helper()
	asked, all := c.truth(), c.truthOf(mapping{zone: c.config.Timezone, unit: c.config.Sources.Aircall.DurationUnit})
	since := map[any]bool{}
	for _, r := range asked["iadvize.conversations"] {
		since[r["conversation_id"]] = !r["closed_at"].(time.Time).Before(c.pipeline(conversations).Start)
	}
	for _, key := range c.streams {
		for _, name := range tablesOf[key] {
			wanted := func(r row) bool { return key != conversations || since[r["conversation_id"]] }
			if key == messages {
				wanted = func(r row) bool { return slices.Contains(c.config.Sources.Volt.Accounts, r["account_phone"].(string)) }
			}
			unwanted := func(r row) bool { return !wanted(r) }
			got := c.table(name)
			want := slices.DeleteFunc(asked[name], unwanted)
			if len(want) == 0 {
				c.t.Errorf("nothing is asked for of %s: this proves nothing", name)
			}
			expectRows(c.t, name, keys[name], slices.DeleteFunc(slices.Clone(got), unwanted), want, 0)
			c.expectDays(name, slices.DeleteFunc(got, wanted), all[name])
		}
	}
}

// expectDays expects rows to be of the business days that they are of in truth.
func (c *tried) expectDays(name string, got, truth []row) {
	c.t.Helper()
	day := "closed_date"
	if name == "volt.messages" {
		day = "sent_date"
	}
	have := index(c.t, name+" in truth", keys[name], truth)
	for id, r := range index(c.t, name+" besides", keys[name], got) {
		if have[id][day] != r[day] {
			c.t.Errorf("%s, which is no longer asked for, has %s with %s %v, want %v", name, id, day, r[day], have[id][day])
		}
	}
}

// expectFinal expects the marts to be of the tables, with the days final that are so by
// the configuration.
func (c *tried) expectFinal() {
	c.t.Helper()
	tables := map[string][]row{}
	for _, key := range c.streams {
		for _, name := range tablesOf[key] {
			tables[name] = c.table(name)
		}
		p := c.pipeline(key)
		f := final{c.config.Timezone, p.Lookback + p.Settle, c.asOf(key)} // a stream has one of the two
		want := map[string][]row{}
		switch key {
		case conversations:
			want["csat_daily"] = csatDaily(tables, f, c.config.Marts.CSATChannels)
			want["nps_daily"] = npsDaily(tables, f, c.config.Marts.NPSChannels)
			f.wait = max(f.wait, 48*time.Hour)
			want["revenue_daily"] = revenueDaily(tables, f)
		case calls:
			want["calls_daily"] = callsDaily(tables, f)
		case waves:
			want["delivery_by_wave"], want["delivery_daily"] = deliveryByWave(tables, f), deliveryDaily(tables, f)
		case messages:
			want["delivery_failures"] = deliveryFailures(tables, f)
		}
		for name, rows := range want {
			expectRows(c.t, "marts."+name, grains[name], c.table("marts."+name), rows, 1e-9)
		}
	}
}
