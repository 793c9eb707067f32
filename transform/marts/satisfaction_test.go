package marts_test

import (
	"database/sql"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// group is one row of csat_daily and nps_daily, recomputed in Go.
type group struct {
	conversations, asked, answers, askedAnswers, satisfied, points float64
	nps, promoters, detractors                                     float64
}

// Both satisfaction marts agree with a straight recomputation over random data.
func TestSatisfactionAgainstGo(t *testing.T) {
	db := open(t)
	groups := randomConversations(t, db)
	csat := values(t, db, "csat_daily")
	if len(csat) != len(groups) {
		t.Fatalf("csat_daily has %d rows, want %d", len(csat), len(groups))
	}
	for _, row := range csat {
		g := groups[show(row[0])+" "+show(row[1])+" "+show(row[2])]
		low, high := wilson(g.satisfied, g.answers)
		want := []float64{g.conversations, g.asked, g.answers, g.satisfied, 100 * g.satisfied / g.answers, low, high, g.points / g.answers, 100 * g.askedAnswers / g.asked}
		compare(t, row[3:12], want)
	}
	for _, row := range values(t, db, "nps_daily") {
		g := groups[show(row[0])+" "+show(row[1])+" "+show(row[2])]
		eligible := 0.0
		if row[2] == "CHAT" {
			eligible = g.conversations
		}
		p, d, n := (g.promoters+.75)/(g.nps+3), (g.detractors+.75)/(g.nps+3), g.nps+3
		half := 1.959963984540054 * math.Sqrt((p+d-(p-d)*(p-d))/n)
		want := []float64{g.conversations, eligible, g.nps, g.promoters, g.nps - g.promoters - g.detractors, g.detractors,
			100 * (g.promoters - g.detractors) / g.nps, max(100*(p-d-half), -100), min(100*(p-d+half), 100)}
		compare(t, row[3:12], want)
	}
	keys := make([]string, len(csat))
	for i, row := range csat {
		keys[i] = show(row[0]) + " " + show(row[2])
	}
	if !slices.IsSorted(keys) {
		t.Error("csat_daily is not in the order of its grain")
	}
}

// randomConversations fills the table of conversations, and returns what it holds by
// day, project and channel.
func randomConversations(t *testing.T, db *sql.DB) map[string]*group {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 7))
	channels := []string{"CHAT", "WHATSAPP", "CALL"}
	groups := map[string]*group{}
	var rows []string
	for i := range 3000 {
		date := time.Date(2026, 11, 1+r.IntN(9), 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		channel := channels[r.IntN(3)]
		key := date + " 1 " + channel
		g := groups[key]
		if g == nil {
			g = &group{}
			groups[key] = g
		}
		csat, nps := "NULL", "NULL"
		g.conversations++
		if channel != "CALL" {
			g.asked++
		}
		if r.IntN(3) == 0 {
			score := 1 + r.IntN(5)
			csat = fmt.Sprint(score)
			g.answers++
			g.points += float64(score)
			if channel != "CALL" {
				g.askedAnswers++
			}
			if score >= 4 {
				g.satisfied++
			}
		}
		if r.IntN(4) == 0 {
			score := r.IntN(11)
			nps = fmt.Sprint(score)
			g.nps++
			if score >= 9 {
				g.promoters++
			} else if score <= 6 {
				g.detractors++
			}
		}
		rows = append(rows, fmt.Sprintf("('%d', 1, '%s', '%s', %s, %s)", i, date, channel, csat, nps))
	}
	run(t, db, "INSERT INTO iadvize.conversations (conversation_id, project_id, closed_date, channel, csat_score, nps_score) VALUES "+strings.Join(rows, ","))
	return groups
}

// wilson solves |p - k/n| = z·√(p(1-p)/n) for p, in percent.
func wilson(k, n float64) (low, high float64) {
	const z = 1.959963984540054
	a, b, c := n+z*z, -(2*k + z*z), k*k/n
	root := math.Sqrt(b*b - 4*a*c)
	return max(100*(-b-root)/(2*a), 0), min(100*(-b+root)/(2*a), 100)
}

func compare(t *testing.T, got []any, want []float64) {
	t.Helper()
	for i, w := range want {
		var g float64
		switch v := got[i].(type) {
		case int64:
			g = float64(v)
		case float64:
			g = v
		case nil:
			g = math.NaN()
		}
		if math.IsNaN(w) != math.IsNaN(g) || math.Abs(g-w) > 1e-9 {
			t.Errorf("column %d is %v, want %v", i, got[i], w)
		}
	}
}
