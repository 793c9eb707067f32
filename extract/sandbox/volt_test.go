package sandbox_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"nightjar/extract/sandbox"
)

const (
	waveFields = `id scheduledTime name account { id name primaryPhone } organization { id } body media sentBy lists { name }
		totalMessages totalMessagesDelivered totalMessagesFailed type`
	messageFields = `id legacyId account { id name primaryPhone } organization { id } toNumber fromNumber status statusDescription media body
		sentAt confirmedAt wave { id } contact { id phoneNumber name } errorCode`
)

// walkMessages reads every conversation of an account's inbox.
func (v *vendors) walkMessages(account string) []any {
	v.Helper()
	var rows []any
	pages := func(query, field string, vars object, each func(page any)) {
		for {
			page := at(v.ask(v.env["VOLT_ENDPOINT"], v.env["VOLT_TOKEN"], query, vars).data(v), field)
			each(page)
			if at(page, "pageInfo", "hasNextPage") != true {
				return
			}
			vars["before"] = at(page, "pageInfo", "endCursor")
		}
	}
	pages(`query Inbox($from: String!, $before: String) { inbox(from: $from, before: $before) {
		items { contact { phoneNumber } lastMessageTime } pageInfo { hasNextPage endCursor } } }`,
		"inbox", object{"from": account}, func(inbox any) {
			for _, item := range list(at(inbox, "items")) {
				pages(`query Conversation($to: String!, $from: String!, $before: String) { conversation(to: $to, from: $from, before: $before) {
					messages { `+messageFields+` } pageInfo { hasNextPage endCursor } } }`,
					"conversation", object{"from": account, "to": at(item, "contact", "phoneNumber")}, func(page any) {
						rows = append(rows, list(at(page, "messages"))...)
					})
			}
		})
	return rows
}

func TestVoltMessagesEqualTruth(t *testing.T) {
	v := serve(t, sandbox.Options{Scale: 0.3})
	var rows []any
	for _, account := range []string{"+10003334444", "+10005556666"} {
		found := v.walkMessages(account)
		for _, m := range found {
			if at(m, "account", "primaryPhone") != account {
				t.Fatalf("the inbox of %s holds %v", account, m)
			}
		}
		rows = append(rows, found...)
	}
	sameRows(t, "message", rows, v.truth("volt/messages"))
}

func TestVoltWavesEqualTruth(t *testing.T) {
	v := serve(t, sandbox.Options{})
	truth := v.truth("volt/waves")
	var rows []any
	first, last, gaps := 101, 0, 0
	fmt.Sscan(text(at(truth[len(truth)-1], "id")), &last)
	for low := first; low <= last+400; low += 100 {
		var query strings.Builder
		query.WriteString("query Waves {")
		for id := low; id < low+100; id++ {
			fmt.Fprintf(&query, " w%d: wave(id: %d) { %s }", id, id, waveFields)
		}
		query.WriteString(" }")
		data := v.ask(v.env["VOLT_ENDPOINT"], v.env["VOLT_TOKEN"], query.String(), nil).data(t)
		for id := low; id < low+100; id++ {
			wave, asked := data[fmt.Sprintf("w%d", id)]
			switch {
			case !asked:
				t.Fatalf("no answer for wave %d", id)
			case wave == nil:
				gaps++
			default:
				o := wave.(object)
				if o["lists"] == nil {
					o["lists"] = any(nil)
				}
				rows = append(rows, o)
			}
		}
	}
	sameRows(t, "wave", rows, truth)
	if gaps < 400 {
		t.Errorf("%d ids are absent: no gaps", gaps)
	}
}

func TestVoltCountersEqualMessages(t *testing.T) {
	v := serve(t, sandbox.Options{})
	type count struct{ total, delivered, failed float64 }
	told, counted := map[any]count{}, map[any]*count{}
	for _, m := range v.truth("volt/messages") {
		id := at(m, "wave", "id")
		if counted[id] == nil {
			counted[id] = &count{}
		}
		counted[id].total++
		switch at(m, "status") {
		case "delivered":
			counted[id].delivered++
		case "failed":
			counted[id].failed++
			if at(m, "errorCode") == nil || at(m, "confirmedAt") == "" {
				t.Errorf("a failed message without code or time: %v", m)
			}
		default:
			if at(m, "confirmedAt") != "" {
				t.Errorf("an unconfirmed message with a time: %v", m)
			}
		}
	}
	var running, future, empty int
	for _, w := range v.truth("volt/waves") {
		c := count{at(w, "totalMessages").(float64), at(w, "totalMessagesDelivered").(float64), at(w, "totalMessagesFailed").(float64)}
		told[at(w, "id")] = c
		got := counted[at(w, "id")]
		if got == nil {
			got = &count{}
		}
		switch {
		case text(at(w, "scheduledTime")) > v.now().Format(time.DateTime):
			future++
			if *got != (count{}) {
				t.Errorf("wave %v is to come and has %v", at(w, "id"), got)
			}
		case c.total == 0:
			empty++
		case got.total < c.total:
			running++
		}
		if got.delivered != c.delivered || got.failed != c.failed || got.total > c.total {
			t.Errorf("wave %v tells %v, its messages %v", at(w, "id"), c, *got)
		}
	}
	if running == 0 || future == 0 {
		t.Errorf("%d waves running, %d to come, %d empty", running, future, empty)
	}
}

func TestVoltConversationsNewestFirst(t *testing.T) {
	v := serve(t, sandbox.Options{})
	sizes := map[string]int{}
	for _, m := range v.truth("volt/messages") {
		if at(m, "account", "primaryPhone") == "+10003334444" {
			sizes[text(at(m, "contact", "phoneNumber"))]++
		}
	}
	for phone, n := range sizes {
		if n <= 25 {
			continue
		}
		page := at(v.ask(v.env["VOLT_ENDPOINT"], v.env["VOLT_TOKEN"], `query C($to: String!) {
			conversation(to: $to, from: "+10003334444") { messages { sentAt } pageInfo { hasNextPage endCursor } } }`,
			object{"to": phone}).data(t), "conversation")
		messages := list(at(page, "messages"))
		if len(messages) != 25 || at(page, "pageInfo", "hasNextPage") != true {
			t.Errorf("a page of %d messages has %d", n, len(messages))
		}
		for i := 1; i < len(messages); i++ {
			if text(at(messages[i-1], "sentAt")) < text(at(messages[i], "sentAt")) {
				t.Errorf("message %d is newer than the one before", i)
			}
		}
		return
	}
	t.Error("no conversation needs a second page")
}

func TestVoltAnswers(t *testing.T) {
	v := serve(t, sandbox.Options{Scale: 0.1})
	endpoint, token := v.env["VOLT_ENDPOINT"], v.env["VOLT_TOKEN"]
	for _, bad := range []string{"", "nonsense"} {
		if r := v.ask(endpoint, bad, `{ webhooks { id } }`, nil); r.status != http.StatusUnauthorized {
			t.Errorf("token %q: status %d", bad, r.status)
		}
	}
	data := v.ask(endpoint, token, `{ a: wave(id: 1) { id } b: wave(id: "none") { id } c: inbox(from: "+1") { items { isUnread } }
		d: message(id: 1) { id } e: conversation(to: "+1", from: "+2") { messages { id } pageInfo { endCursor } } webhooks { id } }`, nil).data(t)
	for _, alias := range []string{"a", "b", "c", "d"} {
		if value, asked := data[alias]; !asked || value != nil {
			t.Errorf("%s is %v, want null", alias, value)
		}
	}
	if messages := at(data, "e", "messages"); fmt.Sprint(messages) != "[]" {
		t.Errorf("a conversation with nobody has %v", messages)
	}
	first := v.truth("volt/messages")[0]
	found := v.ask(endpoint, token, `query M($id: ID!, $legacy: ID!) { message(id: $id) { body } legacyMessage(id: $legacy) { id } }`,
		object{"id": at(first, "id"), "legacy": at(first, "legacyId")}).data(t)
	if at(found, "message", "body") != at(first, "body") || at(found, "legacyMessage", "id") != at(first, "id") {
		t.Errorf("message %v is %v", first, found)
	}
	if r := v.ask(endpoint, token, `{ waves { id } }`, nil); r.status != 400 {
		t.Errorf("a list of waves: status %d", r.status)
	}
	r := v.ask(endpoint, token, `mutation { scheduleWave(type: group, status: scheduled, wave: {waveName: "x", scheduledTime: "y", messageBody: "z", listNames: []}) { id } }`, nil)
	contains(t, r.fault(t)["message"], "read-only")
	v.introspects(endpoint, token, "PageInfo", "endCursor")
}

func TestVoltForms(t *testing.T) {
	documented := regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$`)
	other := regexp.MustCompile(`^(\d{10}|\d{13}|\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{3,6})?Z?)$`)
	plain, faulty := serve(t, sandbox.Options{Scale: 0.2}), serve(t, sandbox.Options{Scale: 0.2, Faults: []string{"time-forms", "number-ids"}})
	for _, m := range plain.truth("volt/messages") {
		if !documented.MatchString(text(at(m, "sentAt"))) {
			t.Fatalf("sent at %v", at(m, "sentAt"))
		}
	}
	forms := map[string]bool{}
	for _, m := range faulty.truth("volt/messages") {
		if !other.MatchString(text(at(m, "sentAt"))) {
			t.Fatalf("sent at %v", at(m, "sentAt"))
		}
		forms[regexp.MustCompile(`\d`).ReplaceAllString(text(at(m, "sentAt")), "0")] = true
		if _, number := at(m, "id").(float64); !number {
			t.Fatalf("id %v is no number", at(m, "id"))
		}
	}
	if len(forms) != 6 {
		t.Errorf("%d forms of time: %v", len(forms), forms)
	}
}

func TestVoltWavesProgress(t *testing.T) {
	v := serve(t, sandbox.Options{})
	before := byID(t, v.truth("volt/waves"))
	v.wait(20 * time.Minute)
	grown := 0
	for _, w := range v.truth("volt/waves") {
		if old := before[at(w, "id")]; old != nil && at(old, "totalMessagesDelivered").(float64) < at(w, "totalMessagesDelivered").(float64) {
			grown++
		}
	}
	if grown == 0 {
		t.Error("no wave made progress in 20 minutes")
	}
}

func TestVoltManyWaves(t *testing.T) {
	v := serve(t, sandbox.Options{Scale: 0.1, Waves: 25_000, WaveSize: 1, Faults: []string{"far-waves"}})
	truth := v.truth("volt/waves")
	low, high := 0, 0
	fmt.Sscan(text(at(truth[0], "id")), &low)
	fmt.Sscan(text(at(truth[len(truth)-1], "id")), &high)
	if len(truth) < 20_000 || low != 101 || high < 100_000+2*len(truth) {
		t.Errorf("%d waves from %d to %d", len(truth), low, high)
	}
}

func TestVoltBarePaging(t *testing.T) {
	v := serve(t, sandbox.Options{Faults: []string{"bare-paging"}})
	most, sizes := "", map[string]int{}
	for _, m := range v.truth("volt/messages") {
		phone := text(at(m, "contact", "phoneNumber"))
		if at(m, "account", "primaryPhone") == "+10003334444" {
			if sizes[phone]++; sizes[phone] > sizes[most] {
				most = phone
			}
		}
	}
	for _, by := range []string{"id", "sentAt"} {
		seen, before := map[any]bool{}, any(nil)
		for range 20 {
			page := at(v.ask(v.env["VOLT_ENDPOINT"], v.env["VOLT_TOKEN"], `query C($to: String!, $before: String) {
				conversation(to: $to, from: "+10003334444", before: $before) { messages { id sentAt } pageInfo { hasNextPage endCursor } } }`,
				object{"to": most, "before": before}).data(t), "conversation")
			for _, m := range list(at(page, "messages")) {
				seen[at(m, "id")], before = true, at(m, by)
			}
			if at(page, "pageInfo", "endCursor") != nil || at(page, "pageInfo", "hasNextPage") != nil {
				t.Fatal("pageInfo is not bare")
			}
		}
		if len(seen) != sizes[most] || len(seen) <= 25 {
			t.Errorf("by %s: %d of %d messages", by, len(seen), sizes[most])
		}
	}
}
