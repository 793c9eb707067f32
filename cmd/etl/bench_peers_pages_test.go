package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"time"
)

// What happens to a history of writeBenchPages, as the pages in which the vendor
// tells of it.
const (
	peerNightRows   = 30_000 // closed on the last day
	peerLookback    = 72 * time.Hour
	peerLateOneIn   = 20     // of what is read once more, one in so many has a late answer
	peerSpreadRows  = 10_000 // changed, all over the history
	peerNightsMonth = benchMonths - 1
)

// writeNight writes the pages of a night after a history of so many rows: the last
// three days once more, some with a late answer, and the new rows.
func writeNight(dir string, rows int) (read int, err error) {
	end := benchStart.AddDate(0, benchMonths, 0)
	g, left := benchMonth(peerNightsMonth, rows)
	var edges [][]byte
	for i := range left {
		edge := g.edge(nil, i)
		if g.at.Before(end.Add(-peerLookback)) {
			continue
		}
		if len(edges)%peerLateOneIn == 0 {
			edge = answered(edge, i)
		}
		edges = append(edges, edge)
	}
	g = pageMaker{rand: rand.New(rand.NewPCG(benchMonths, 1)), at: end.AddDate(0, 0, -1), step: 24 * time.Hour / (peerNightRows + 1)}
	for range peerNightRows {
		edges = append(edges, g.edge(nil, len(edges)))
	}
	return len(edges), writeEdges(dir, peerNightsMonth, edges)
}

// writeSpread writes the pages of rows all over a history that have got another
// answer since.
func writeSpread(dir string, rows int) (read int, err error) {
	every := max(rows/peerSpreadRows, 1)
	for month, at := 0, 0; month < benchMonths; month++ {
		g, left := benchMonth(month, rows)
		var edges [][]byte
		for i := range left {
			edge := g.edge(nil, i)
			if at++; at%every == 0 {
				edges = append(edges, answered(edge, at))
			}
		}
		read += len(edges)
		if err := writeEdges(dir, month, edges); err != nil {
			return 0, err
		}
	}
	return read, nil
}

var benchSurvey = regexp.MustCompile(`"satisfactionSurvey":(null|\{[^}]*\})`)

// answered is an edge with another answer to the survey.
func answered(edge []byte, n int) []byte {
	survey := fmt.Sprintf(`"satisfactionSurvey":{"customerSatisfaction":%d,"netPromoterScore":%d,"comment":"Finalement, merci %d"}`, 1+n%5, n%11, n)
	return benchSurvey.ReplaceAllLiteral(edge, []byte(survey))
}

// writeEdges writes the pages of a month.
func writeEdges(dir string, month int, edges [][]byte) error {
	for page := 0; page == 0 || len(edges) > 0; page++ {
		n := min(len(edges), benchPageRows)
		body := append([]byte(`{"data":{"closedConversations":{"edges":[`), bytes.Join(edges[:n], []byte(","))...)
		edges = edges[n:]
		body = fmt.Appendf(body, `],"pageInfo":{"endCursor":"%d","hasNextPage":%t}}}}`, page+1, len(edges) > 0)
		if err := os.WriteFile(benchPage(dir, month, page), body, 0o644); err != nil {
			return err
		}
	}
	return nil
}
