package pipeline_test

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// say writes a value of JSON as a column does.
func say(v any) string {
	switch v := v.(type) {
	case nil:
		return none
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	case string:
		return v
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// member follows names into a record.
func member(v any, path ...string) any {
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

// among is a number in a range, none outside it.
func among(v any, low, high int64) string {
	n, ok := v.(json.Number)
	if !ok {
		return none
	}
	if i, err := n.Int64(); err != nil || i < low || i > high {
		return none
	}
	return n.String()
}

// timeOf reads a time in every form that the vendors write.
func timeOf(v any) (at time.Time, ok bool) {
	text, _ := v.(string)
	if strings.HasPrefix(text, "0001-") || text == "" {
		return at, false
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if n > 100_000_000_000 {
			return time.UnixMilli(n), true
		}
		return time.Unix(n, 0), true
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateTime} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, true
		}
	}
	return at, false
}

func micros(v any) string {
	at, ok := timeOf(v)
	if !ok {
		return none
	}
	return strconv.FormatInt(at.UnixMicro(), 10)
}

func dayOf(v any) string {
	at, ok := timeOf(v)
	if !ok {
		return none
	}
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return err.Error()
	}
	return at.In(paris).Format(time.DateOnly)
}

var isoPeriod = regexp.MustCompile(`^(?:PT(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?|(\d+))$`)

// millis is a duration of iAdvize in milliseconds.
func millis(v any) string {
	text, _ := v.(string)
	m := isoPeriod.FindStringSubmatch(text)
	if m == nil {
		return none
	}
	var total float64
	for i, unit := range []float64{3600, 60, 1, 1} {
		if n, err := strconv.ParseFloat(m[i+1], 64); err == nil {
			total += n * unit
		}
	}
	return strconv.FormatInt(int64(total*1000+0.5), 10)
}

// texts is a member of each element, as a list of JSON; none where there is no
// list.
func texts(v any, name string) string {
	elements, ok := v.([]any)
	if !ok {
		return none
	}
	picked := make([]any, len(elements))
	for i, e := range elements {
		picked[i] = e
		if name != "" {
			picked[i] = member(e, name)
		}
	}
	return say(picked)
}

func conversationRow(c map[string]any, _ bool) [][]string {
	if say(member(c, "project", "id")) != "9999" {
		return nil
	}
	return [][]string{{
		say(c["id"]), "9999", say(c["channel"]), say(c["language"]), micros(c["createdAt"]), micros(c["closedAt"]), dayOf(c["closedAt"]), millis(c["duration"]),
		texts(c["tags"], "name"), among(member(c, "satisfactionSurvey", "customerSatisfaction"), 1, 5), among(member(c, "satisfactionSurvey", "netPromoterScore"), 0, 10),
		say(member(c, "satisfactionSurvey", "comment")),
	}}
}

func transactionRows(c map[string]any, noIDs bool) [][]string {
	all, _ := member(c, "conversions", "transactions").([]any)
	if say(member(c, "project", "id")) != "9999" {
		return nil
	}
	var rows [][]string
	for _, tr := range all {
		id := say(member(tr, "id"))
		if noIDs {
			id = none
		}
		amount, _ := member(tr, "amount").(json.Number).Float64()
		rows = append(rows, []string{
			say(c["id"]) + " " + say(member(tr, "externalConversionId")), id, strconv.FormatFloat(amount, 'f', 4, 64),
			say(member(tr, "currency")), micros(member(tr, "receivedAt")), dayOf(c["closedAt"]),
		})
	}
	return rows
}

func callRow(c map[string]any, _ bool) [][]string {
	notes, _ := c["notes"].([]any)
	return [][]string{{
		say(c["id"]), say(c["direction"]), say(c["call_type"]), say(c["from"]), say(c["to"]), say(c["via"]), among(c["duration"], 0, 1<<40),
		say(c["is_archived"]), strconv.Itoa(len(notes)), micros(c["created_at"]), dayOf(c["created_at"]),
	}}
}

func noteRows(c map[string]any, _ bool) [][]string {
	notes, _ := c["notes"].([]any)
	var rows [][]string
	for i, n := range notes {
		rows = append(rows, []string{say(member(n, "id")), say(c["id"]), strconv.Itoa(i), say(member(n, "content"))})
	}
	return rows
}

func waveRow(w map[string]any, _ bool) [][]string {
	return [][]string{{
		say(w["id"]), say(w["name"]), say(w["type"]), micros(w["scheduledTime"]), dayOf(w["scheduledTime"]),
		say(member(w, "account", "id")), say(member(w, "account", "name")), say(member(w, "account", "primaryPhone")), say(member(w, "organization", "id")),
		say(w["sentBy"]), say(w["body"]), texts(w["media"], ""), texts(w["lists"], "name"),
		say(w["totalMessages"]), say(w["totalMessagesDelivered"]), say(w["totalMessagesFailed"]),
	}}
}

func messageRow(m map[string]any, _ bool) [][]string {
	direction := "inbound"
	if member(m, "account", "primaryPhone") == m["fromNumber"] {
		direction = "outbound"
	}
	return [][]string{{
		say(m["id"]), say(m["legacyId"]), say(member(m, "wave", "id")), say(member(m, "contact", "id")), say(member(m, "account", "primaryPhone")),
		say(m["fromNumber"]), say(m["toNumber"]), direction, say(m["status"]), say(m["statusDescription"]), say(m["errorCode"]), say(m["body"]),
		micros(m["sentAt"]), dayOf(m["sentAt"]), micros(m["confirmedAt"]),
	}}
}

func ticketRow(c map[string]any, _ bool) [][]string {
	messages := none
	if all, ok := c["messages"].([]any); ok {
		messages = strconv.Itoa(len(all))
	}
	return [][]string{{
		say(c["id"]), say(c["ticket_id"]), say(c["contactId"]), say(c["state"]), micros(c["createdAt"]), dayOf(c["createdAt"]),
		micros(c["updatedAt"]), micros(c["deletedAt"]), messages, texts(c["users"], "id"),
	}}
}
