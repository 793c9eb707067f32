package pipeline_test

import (
	"cmp"
	"encoding/json"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"time"
)

type mapping struct {
	zone     *time.Location
	unit     time.Duration // of a call's duration; zero: milliseconds
	projects []int64       // of iAdvize; none: all
	accounts []string      // of Volt; none: all
	tables   map[string][]row
}

func (m mapping) add(table string, r row) { m.tables[table] = append(m.tables[table], r) }

type (
	trueConversation struct {
		ID                 string
		CreatedAt          string
		ClosedAt           *string
		Channel            string
		Duration           *string
		Language           *string
		Tags               []struct{ Name string }
		Project            struct{ ID int64 }
		SatisfactionSurvey *struct {
			CustomerSatisfaction, NetPromoterScore *int64
			Comment                                *string
		}
		Conversions *struct {
			Transactions []struct {
				ID, ExternalConversionID, Currency, ReceivedAt string
				Amount                                         json.Number
			}
		}
	}
	trueCall struct {
		ID, Direction, From, To, Via string
		CallType                     string      `json:"call_type"`
		CreatedAt                    string      `json:"created_at"`
		IsArchived                   bool        `json:"is_archived"`
		Duration                     json.Number // milliseconds, unless the configuration says otherwise
		Notes                        []struct{ ID, Content string }
	}
	trueAccount struct{ ID, Name, PrimaryPhone string }
	trueWave    struct {
		ID                                                         looseID
		Name, Type, ScheduledTime, Body, SentBy                    string
		Account                                                    trueAccount
		Organization                                               struct{ ID string }
		Media                                                      []string
		Lists                                                      []struct{ Name string }
		TotalMessages, TotalMessagesDelivered, TotalMessagesFailed int64
	}
	trueMessage struct {
		ID                                      looseID
		LegacyID, ToNumber, FromNumber          string
		Status, StatusDescription, Body, SentAt string
		ConfirmedAt                             string
		ErrorCode                               *string
		Account                                 trueAccount
		Contact                                 struct{ ID string }
		Wave                                    *struct{ ID looseID }
	}
)

// looseID is a number, as text or not.
type looseID int64

func (id *looseID) UnmarshalJSON(text []byte) error {
	unquoted := string(text)
	if unquoted[0] == '"' {
		unquoted = unquoted[1 : len(unquoted)-1]
	}
	n, err := strconv.ParseInt(unquoted, 10, 64)
	*id = looseID(n)
	return err
}

func (m mapping) conversation(c trueConversation) {
	if len(m.projects) > 0 && !slices.Contains(m.projects, c.Project.ID) {
		return
	}
	tags := []string{}
	for _, t := range c.Tags {
		tags = append(tags, t.Name)
	}
	closed := instant(time.RFC3339, *c.ClosedAt)
	r := row{
		"conversation_id": c.ID, "project_id": c.Project.ID, "channel": c.Channel, "language": text(c.Language),
		"created_at": instant(time.RFC3339, c.CreatedAt), "closed_at": closed, "closed_date": m.day(closed),
		"duration_seconds": length(c.Duration), "tags": tags, "csat_score": nil, "nps_score": nil, "survey_comment": nil,
	}
	if s := c.SatisfactionSurvey; s != nil {
		r["csat_score"] = within(s.CustomerSatisfaction, 1, 5)
		r["nps_score"] = within(s.NetPromoterScore, 0, 10)
		r["survey_comment"] = text(s.Comment)
	}
	m.add("iadvize.conversations", r)
	if c.Conversions == nil {
		return
	}
	for _, t := range c.Conversions.Transactions {
		m.add("iadvize.transactions", row{
			"transaction_id": t.ID, "conversation_id": c.ID, "external_conversion_id": t.ExternalConversionID,
			"amount": exact(t.Amount), "currency": t.Currency, "received_at": instant(time.RFC3339, t.ReceivedAt),
			"closed_date": m.day(closed),
		})
	}
}

func (m mapping) call(c trueCall) {
	created := instant("2006-01-02T15:04:05.000Z", c.CreatedAt)
	var seconds any
	if n, err := c.Duration.Int64(); err == nil && n >= 0 {
		parts := int64(time.Second / cmp.Or(m.unit, time.Millisecond))
		if n <= 24*60*60*parts { // longer is no call
			seconds = float64(n) / float64(parts)
		}
	}
	m.add("aircall.calls", row{
		"call_id": c.ID, "direction": c.Direction, "call_type": c.CallType, "from_number": c.From, "to_number": c.To,
		"via_number": c.Via, "duration_seconds": seconds, "is_archived": c.IsArchived, "note_count": int64(len(c.Notes)),
		"created_at": created, "created_date": m.day(created),
	})
	for i, n := range c.Notes {
		m.add("aircall.call_notes", row{"note_id": n.ID, "call_id": c.ID, "position": int64(i), "content": n.Content})
	}
}

func (m mapping) wave(w trueWave) {
	scheduled := instant(time.DateTime, w.ScheduledTime)
	var lists any
	if w.Lists != nil {
		names := []string{}
		for _, l := range w.Lists {
			names = append(names, l.Name)
		}
		lists = names
	}
	m.add("volt.waves", row{
		"wave_id": int64(w.ID), "name": w.Name, "type": w.Type, "scheduled_at": scheduled, "scheduled_date": m.day(scheduled),
		"account_id": w.Account.ID, "account_name": w.Account.Name, "account_phone": w.Account.PrimaryPhone,
		"organization_id": w.Organization.ID, "sent_by": w.SentBy, "body": w.Body, "media": w.Media, "lists": lists,
		"total_messages": w.TotalMessages, "messages_delivered": w.TotalMessagesDelivered, "messages_failed": w.TotalMessagesFailed,
	})
}

func (m mapping) message(s trueMessage) {
	if len(m.accounts) > 0 && !slices.Contains(m.accounts, s.Account.PrimaryPhone) {
		return
	}
	sent := instant(time.DateTime, s.SentAt)
	r := row{
		"message_id": int64(s.ID), "legacy_id": s.LegacyID, "wave_id": nil, "contact_id": s.Contact.ID,
		"account_phone": s.Account.PrimaryPhone, "from_number": s.FromNumber, "to_number": s.ToNumber, "direction": "inbound",
		"status": s.Status, "status_description": s.StatusDescription, "error_code": text(s.ErrorCode), "body": s.Body,
		"sent_at": sent, "sent_date": m.day(sent), "confirmed_at": instant(time.DateTime, s.ConfirmedAt),
	}
	if s.FromNumber == s.Account.PrimaryPhone {
		r["direction"] = "outbound"
	}
	if s.Wave != nil {
		r["wave_id"] = int64(s.Wave.ID)
	}
	m.add("volt.messages", r)
}

// instant is the time, or nil where the text is none.
func instant(layout, text string) any {
	at, err := time.Parse(layout, text)
	if err != nil {
		return nil
	}
	return at.UTC()
}

// day is the business day of an instant.
func (m mapping) day(at any) any {
	if at == nil {
		return nil
	}
	return date(at.(time.Time).In(m.zone).Format(time.DateOnly))
}

func text(s *string) any {
	if s == nil {
		return nil
	}
	return *s
}

func within(n *int64, low, high int64) any {
	if n == nil || *n < low || *n > high {
		return nil
	}
	return *n
}

var period = regexp.MustCompile(`^PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?$`)

// length reads an ISO 8601 duration or a number of seconds.
func length(text *string) any {
	if text == nil {
		return nil
	}
	if n, err := strconv.ParseFloat(*text, 64); err == nil {
		return n
	}
	parts := period.FindStringSubmatch(*text)
	if parts == nil {
		return nil
	}
	sum := 0.0
	for i, unit := range []float64{3600, 60, 1} {
		if parts[i+1] != "" {
			n, _ := strconv.ParseFloat(parts[i+1], 64)
			sum += n * unit
		}
	}
	return sum
}

// exact is an amount with four decimals.
func exact(n json.Number) any {
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		return nil
	}
	return decimal(r.FloatString(4))
}
