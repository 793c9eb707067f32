package transform

import (
	"embed"
	"fmt"
)

//go:embed marts/*.sql
var martFiles embed.FS

// MartSchema is the DuckDB schema of the marts.
const MartSchema = "marts"

// Mart is a table that a query computes from other tables. Its query is one SELECT,
// without parameters, that gives the same bits on DuckDB, Trino and Spark: the rules
// are in marts/portable_test.go. What depends on the configuration, and on how far the
// vendors were asked, it reads in etl.survey_channels and etl.final_through.
type Mart struct {
	Name    string
	Comment string   // one sentence
	Grain   []string // columns that identify a row; rows come in their order, nulls last
	Columns []Column // of the result of Query, in order
	Reads   []string // tables of Query, as "schema.name"
	// Cut is a date column of the mart and of each vendor table that it reads: a row
	// of the mart comes of rows of its own date alone, and of what the configuration
	// says. Empty where there is none, and Whole says why.
	Cut   string
	Whole string
	Final string // kind of record of etl.final_through that is_final goes by
	Query string
}

// Full returns "marts.name".
func (m Mart) Full() string { return MartSchema + "." + m.Name }

// Marts lists the marts.
func Marts() []Mart {
	marts := []Mart{csatDaily(), npsDaily(), deliveryByWave(), deliveryDaily(), deliveryFailures(), callsDaily(), revenueDaily(), messagesByWave()}
	for i := range marts {
		marts[i].Query = martQuery(marts[i].Name)
	}
	return marts
}

func martQuery(name string) string {
	query, err := martFiles.ReadFile("marts/" + name + ".sql")
	if err != nil {
		panic(fmt.Sprintf("mart %s has no query: %v", name, err)) // the file is embedded, so only a missing one
	}
	return string(query)
}

// The tables in which the marts read what the configuration says.
const (
	surveyChannels = "etl.survey_channels"
	finalThrough   = "etl.final_through"
)

const (
	finalConversations = "Whether the day and the lookback after it have passed, so that no late answer is awaited"
	finalRevenue       = "Whether the day, the lookback and the 48 hours in which purchases are attributed have passed, so that no late one is awaited"
	finalReceipts      = "Whether the day and the settle time after it have passed, so that no late receipt is awaited"
	finalCalls         = "Whether the day and the settle time after it have passed, so that no late change is awaited"
)

func csatDaily() Mart {
	return Mart{
		Name: "csat_daily", Grain: []string{"closed_date", "project_id", "channel"},
		Reads: []string{"iadvize.conversations", surveyChannels, finalThrough}, Cut: "closed_date", Final: "conversations",
		Comment: "Customer satisfaction by day, project and channel",
		Columns: []Column{
			day(1, "closed_date", "Business day on which the conversations were closed"),
			whole(2, "project_id", "", "iAdvize project"),
			text(3, "channel", "", "Channel"),
			whole(4, "conversations", "", "Closed conversations").in("conversations"),
			whole(5, "eligible", "", "Conversations on channels where satisfaction is asked").in("conversations"),
			whole(6, "answers", "", "Conversations with a satisfaction score, on any channel").in("answers"),
			whole(7, "satisfied", "", "Answers of 4 or 5").in("answers"),
			double(8, "csat_pct", "", "satisfied ÷ answers").in("%"),
			double(9, "csat_low", "", "Lower end of the 95 % Wilson score interval of csat_pct").in("%"),
			double(10, "csat_high", "", "Upper end of the 95 % Wilson score interval of csat_pct").in("%"),
			double(11, "csat_avg", "", "Mean score from 1 to 5"),
			double(12, "response_rate_pct", "", "Answers on eligible channels ÷ eligible").in("%"),
			flag(13, "is_final", "", finalConversations),
		},
	}
}

func npsDaily() Mart {
	return Mart{
		Name: "nps_daily", Grain: []string{"closed_date", "project_id", "channel"},
		Reads: []string{"iadvize.conversations", surveyChannels, finalThrough}, Cut: "closed_date", Final: "conversations",
		Comment: "Net promoter score by day, project and channel",
		Columns: []Column{
			day(1, "closed_date", "Business day on which the conversations were closed"),
			whole(2, "project_id", "", "iAdvize project"),
			text(3, "channel", "", "Channel"),
			whole(4, "conversations", "", "Closed conversations").in("conversations"),
			whole(5, "eligible", "", "Conversations on channels where NPS is asked").in("conversations"),
			whole(6, "answers", "", "Conversations with an NPS score, on any channel").in("answers"),
			whole(7, "promoters", "", "Answers of 9 or 10").in("answers"),
			whole(8, "passives", "", "Answers of 7 or 8").in("answers"),
			whole(9, "detractors", "", "Answers of 0 to 6").in("answers"),
			double(10, "nps", "", "Share of promoters minus share of detractors, from -100 to 100"),
			double(11, "nps_low", "", "Lower end of the 95 % adjusted-Wald interval of nps (n + 3, promoters + 3/4, detractors + 3/4), not below -100"),
			double(12, "nps_high", "", "Upper end of the 95 % adjusted-Wald interval of nps, not above 100"),
			flag(13, "is_final", "", finalConversations),
		},
	}
}

func deliveryByWave() Mart {
	return Mart{
		Name: "delivery_by_wave", Grain: []string{"wave_id"},
		Reads: []string{"volt.waves", finalThrough}, Cut: "scheduled_date", Final: "waves",
		Comment: "Delivery of each SMS wave",
		Columns: append([]Column{
			whole(1, "wave_id", "", "Wave"),
			text(2, "name", "", "Name of the wave"),
			text(3, "type", "", "contact, account or group"),
			text(4, "account_phone", "", "The company's own number that sends the wave"),
			day(5, "scheduled_date", "Business day on which the wave is sent or was"),
		}, deliveryMeasures(6)...),
	}
}

func deliveryDaily() Mart {
	return Mart{
		Name: "delivery_daily", Grain: []string{"scheduled_date", "account_phone"},
		Reads: []string{"volt.waves", finalThrough}, Cut: "scheduled_date", Final: "waves",
		Comment: "Delivery of SMS waves by day and account",
		Columns: append([]Column{
			day(1, "scheduled_date", "Business day on which the waves are sent or were"),
			text(2, "account_phone", "", "The company's own number that sends the waves"),
			whole(3, "waves", "", "Waves of the day").in("waves"),
		}, deliveryMeasures(4)...),
	}
}

// deliveryMeasures are the columns that both marts of delivery end with.
func deliveryMeasures(id int) []Column {
	return []Column{
		whole(id, "total_messages", "", "Messages to be sent").in("messages"),
		whole(id+1, "delivered", "", "Messages that the carrier confirmed as delivered").in("messages"),
		whole(id+2, "failed", "", "Messages that failed").in("messages"),
		whole(id+3, "pending", "", "total_messages − delivered − failed of each wave, never below 0").in("messages"),
		double(id+4, "delivery_rate_pct", "", "delivered ÷ total_messages").in("%"),
		double(id+5, "confirmed_rate_pct", "", "delivered ÷ (delivered + failed)").in("%"),
		flag(id+6, "is_final", "", finalReceipts),
	}
}

func deliveryFailures() Mart {
	return Mart{
		Name: "delivery_failures", Grain: []string{"sent_date", "error_code"},
		Reads: []string{"volt.messages", finalThrough}, Cut: "sent_date", Final: "messages",
		Comment: "Failed outbound messages by day and error code",
		Columns: []Column{
			day(1, "sent_date", "Business day on which the messages were sent"),
			text(2, "error_code", "", "The carrier's code; unknown where it gave none"),
			whole(3, "messages", "", "Failed messages").in("messages"),
			double(4, "share_pct", "", "messages ÷ all failed messages of the day").in("%"),
			flag(5, "is_final", "", finalReceipts),
		},
	}
}

func callsDaily() Mart {
	return Mart{
		Name: "calls_daily", Grain: []string{"created_date", "via_number"},
		Reads: []string{"aircall.calls", finalThrough}, Cut: "created_date", Final: "calls",
		Comment: "Telephone calls by day and the company's own number",
		Columns: []Column{
			day(1, "created_date", "Business day on which the calls began"),
			text(2, "via_number", "", "The company's own number that carried the calls"),
			whole(3, "inbound", "", "Inbound calls").in("calls"),
			whole(4, "inbound_answered", "", "Inbound calls that were answered").in("calls"),
			whole(5, "inbound_missed", "", "Inbound calls that were missed").in("calls"),
			whole(6, "inbound_voicemail", "", "Inbound calls that went to voicemail, which is not answered").in("calls"),
			whole(7, "outbound", "", "Outbound calls").in("calls"),
			whole(8, "outbound_answered", "", "Outbound calls that were answered").in("calls"),
			double(9, "answer_rate_pct", "", "inbound_answered ÷ inbound").in("%"),
			double(10, "avg_answered_seconds", "", "Mean length of the answered calls, inbound and outbound").in("s"),
			flag(11, "is_final", "", finalCalls),
		},
	}
}

func revenueDaily() Mart {
	return Mart{
		Name: "revenue_daily", Grain: []string{"closed_date", "project_id", "currency"},
		Reads: []string{"iadvize.transactions", finalThrough}, Cut: "closed_date", Final: "revenue",
		Comment: "Purchases attributed to conversations by day, project and currency",
		Columns: []Column{
			day(1, "closed_date", "Business day on which the conversations were closed"),
			whole(2, "project_id", "", "iAdvize project"),
			text(3, "currency", "", "Currency as ISO 4217 code; money is never added across currencies"),
			whole(4, "transactions", "", "Transactions").in("transactions"),
			whole(5, "conversations", "", "Conversations with a transaction").in("conversations"),
			decimal(6, "amount", "", "Sum of the amounts", 38).in("currency"),
			flag(7, "is_final", "", finalRevenue),
		},
	}
}

func messagesByWave() Mart {
	return Mart{
		Name: "messages_by_wave", Grain: []string{"sent_date", "account_phone", "wave_id", "direction"},
		Reads: []string{"volt.messages", finalThrough}, Cut: "sent_date", Final: "messages",
		Comment: "Messages by day, account, wave and direction, those outside a wave too",
		Columns: []Column{
			day(1, "sent_date", "Business day on which the messages were sent"),
			text(2, "account_phone", "", "The company's own number that sent or received the messages"),
			whole(3, "wave_id", "", "Wave that the messages belong to; null outside a wave"),
			text(4, "direction", "", "outbound or inbound; null where it is not known"),
			whole(5, "messages", "", "Messages").in("messages"),
			whole(6, "delivered", "", "Messages that the carrier confirmed as delivered").in("messages"),
			whole(7, "failed", "", "Messages that failed").in("messages"),
			flag(8, "is_final", "", finalReceipts),
		},
	}
}
