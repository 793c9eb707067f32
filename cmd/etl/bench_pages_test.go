package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A benchmark's vendor has one year of closed conversations, in pages that are
// ready-made: serving them costs next to nothing.
const (
	benchPageRows = 500
	benchMonths   = 12
)

var benchStart = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// benchPage names the page of a month (0 to 11) under dir.
func benchPage(dir string, month, page int) string {
	return filepath.Join(dir, fmt.Sprintf("%02d-%05d.json", month, page))
}

// writeBenchPages writes the pages of rows conversations: three in ten with a
// survey, one in ten with a transaction. The same rows make the same bytes.
func writeBenchPages(dir string, rows int) (bytes int64, err error) {
	var body []byte
	for month := range benchMonths {
		g, left := benchMonth(month, rows)
		for page := 0; left > 0; page++ {
			n := min(left, benchPageRows)
			left -= n
			body = g.page(body[:0], page, n, left > 0)
			bytes += int64(len(body))
			if err := os.WriteFile(benchPage(dir, month, page), body, 0o644); err != nil {
				return 0, err
			}
		}
	}
	return bytes, nil
}

// benchMonth makes the pages of a month of a year of so many rows, and tells how many
// of them are the month's.
func benchMonth(month, rows int) (g pageMaker, left int) {
	first := benchStart.AddDate(0, month, 0)
	left = rows*(month+1)/benchMonths - rows*month/benchMonths
	step := first.AddDate(0, 1, 0).Sub(first) / time.Duration(left+1)
	return pageMaker{rand: rand.New(rand.NewPCG(uint64(month), 1)), at: first, step: step}, left
}

// pageMaker makes the pages of a month, in the order of closing.
type pageMaker struct {
	rand *rand.Rand
	at   time.Time // of the last close
	step time.Duration
}

func (g *pageMaker) page(b []byte, number, rows int, more bool) []byte {
	b = append(b, `{"data":{"closedConversations":{"edges":[`...)
	for i := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = g.edge(b, number*benchPageRows+i)
	}
	b = append(b, `],"pageInfo":{"endCursor":"`...)
	b = strconv.AppendInt(b, int64(number+1), 10)
	b = append(b, `","hasNextPage":`...)
	return append(strconv.AppendBool(b, more), `}}}}`...)
}

func (g *pageMaker) edge(b []byte, n int) []byte {
	channels := [...]string{"CHAT", "CHAT", "CHAT", "WHATSAPP", "CALL", "FACEBOOK_BUSINESS_ON_MESSENGER"}
	languages := [...]string{"fr", "fr", "fr", "en", "de"}
	tags := [...]string{"livraison", "retour", "facture", "devis", "stock"}
	g.at = g.at.Add(g.step)
	lasted := 30 + g.rand.IntN(900)
	b = fmt.Appendf(b, `{"cursor":"%d","node":{"id":"`, n)
	b = g.uuid(b)
	b = append(b, `","createdAt":"`...)
	b = g.at.Add(-time.Duration(lasted)*time.Second).AppendFormat(b, time.RFC3339)
	b = append(b, `","closedAt":"`...)
	b = g.at.AppendFormat(b, time.RFC3339)
	b = fmt.Appendf(b, `","channel":%q,"duration":"PT%dM%dS","language":%q,"tags":[`, channels[g.rand.IntN(len(channels))], lasted/60, lasted%60, languages[g.rand.IntN(len(languages))])
	if t := g.rand.IntN(2 * len(tags)); t < len(tags) {
		b = fmt.Appendf(b, `{"id":"%d","name":%q}`, t, tags[t])
	}
	b = append(b, `],"project":{"id":9999,"name":"Boutique"},"satisfactionSurvey":`...)
	if g.rand.IntN(10) < 3 {
		b = fmt.Appendf(b, `{"customerSatisfaction":%d,"netPromoterScore":%d,"comment":"Très bien, merci 😀\nà bientôt %d"}`, 1+g.rand.IntN(5), g.rand.IntN(11), g.rand.IntN(1e6))
	} else {
		b = append(b, `null`...)
	}
	b = append(b, `,"conversions":`...)
	if g.rand.IntN(10) == 0 {
		b = append(b, `{"transactions":[{"id":"`...)
		b = g.uuid(b)
		b = fmt.Appendf(b, `","externalConversionId":"CMD-%d","amount":%d.%02d,"currency":"EUR","receivedAt":"`, g.rand.IntN(1e6), g.rand.IntN(300), g.rand.IntN(100))
		b = g.at.Add(time.Hour).AppendFormat(b, time.RFC3339)
		b = append(b, `"}]}`...)
	} else {
		b = append(b, `null`...)
	}
	return append(b, `}}`...)
}

func (g *pageMaker) uuid(b []byte) []byte {
	return fmt.Appendf(b, "%08x-%04x-4%03x-a%03x-%012x", g.rand.Uint32(), g.rand.IntN(1<<16), g.rand.IntN(1<<12), g.rand.IntN(1<<12), g.rand.Uint64()>>16)
}

// benchVendor serves the pages under dir as iAdvize: it gives a token to anyone,
// shows no schema, and answers with pages of its own size whatever is asked.
func benchVendor(dir string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/oauth2/token", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"access_token":"benchmark","expires_in":86400}`)
	})
	mux.HandleFunc("/graphql", func(w http.ResponseWriter, r *http.Request) {
		var asked struct {
			Query     string
			Variables struct {
				Interval struct{ From, To time.Time }
				After    string
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if strings.Contains(asked.Query, "__schema") {
			io.WriteString(w, `{"errors":[{"message":"GraphQL introspection is not allowed"}]}`)
			return
		}
		from, to := asked.Variables.Interval.From, asked.Variables.Interval.To
		if to.Sub(from) < time.Minute { // the question whether the question is understood
			io.WriteString(w, `{"data":{"closedConversations":{"edges":[],"pageInfo":{"endCursor":null,"hasNextPage":false}}}}`)
			return
		}
		from = from.Add(time.Hour) // the walk asks for a second more on either side
		month := 12*(from.Year()-benchStart.Year()) + int(from.Month()-benchStart.Month())
		page, _ := strconv.Atoi(asked.Variables.After)
		http.ServeFile(w, r, benchPage(dir, month, page))
	})
	return mux
}
