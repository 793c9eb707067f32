package pipeline_test

import (
	"math"
	"math/big"
	"slices"
	"time"
)

// final tells of a business day whether what happened on it has come to rest.
type final struct {
	zone *time.Location
	wait time.Duration
	asOf time.Time
}

func (f final) day(d any) bool {
	if d == nil {
		return false
	}
	begin, err := time.ParseInLocation(time.DateOnly, string(d.(date)), f.zone)
	return err == nil && !begin.AddDate(0, 0, 1).Add(f.wait).After(f.asOf)
}

// groups gathers rows by the columns of a grain.
func groups(rows []row, grain ...string) map[[4]any][]row {
	all := map[[4]any][]row{}
	for _, r := range rows {
		var k [4]any
		for i, c := range grain {
			k[i] = r[c]
		}
		all[k] = append(all[k], r)
	}
	return all
}

func count(rows []row, holds func(row) bool) int64 {
	n := int64(0)
	for _, r := range rows {
		if holds(r) {
			n++
		}
	}
	return n
}

// ratio is a × over ÷ under, and nil without anything to divide by.
func ratio(a float64, over, under int64) any {
	if under == 0 {
		return nil
	}
	return a * float64(over) / float64(under)
}

// z is the quantile of the normal distribution that leaves 2.5 % on each side.
const z = 1.959963984540054

// wilson is the Wilson score interval (Wilson 1927, JASA 22) in percent: the two
// solutions p of (p̂ − p)² = z² p (1 − p) / n.
func wilson(k, n int64) (low, high any) {
	if n == 0 {
		return nil, nil
	}
	p, m := float64(k)/float64(n), float64(n)
	a, b, c := 1+z*z/m, -(2*p + z*z/m), p*p
	root := math.Sqrt(max(0, b*b-4*a*c))
	return max(0, 100*(-b-root)/(2*a)), min(100, 100*(-b+root)/(2*a))
}

// adjustedWald is the interval of an NPS with three more answers: three quarters
// of one from promoters, as much from detractors, the rest from passives (Rocks
// 2016). The variance is that of a variable that is 1, 0 or −1.
func adjustedWald(promoters, detractors, n int64) (low, high any) {
	if n == 0 {
		return nil, nil
	}
	m := float64(n) + 3
	p, d := (float64(promoters)+0.75)/m, (float64(detractors)+0.75)/m
	mean := p - d
	variance := p*(1-mean)*(1-mean) + d*(-1-mean)*(-1-mean) + (1-p-d)*mean*mean
	half := z * math.Sqrt(variance/m)
	return max(-100, 100*(mean-half)), min(100, 100*(mean+half))
}

func csatDaily(truth map[string][]row, f final, asked []string) []row {
	var rows []row
	for k, all := range groups(truth["iadvize.conversations"], grains["csat_daily"]...) {
		eligible := func(r row) bool { return slices.Contains(asked, r["channel"].(string)) }
		answered := func(r row) bool { return r["csat_score"] != nil }
		answers := count(all, answered)
		satisfied := count(all, func(r row) bool { return answered(r) && r["csat_score"].(int64) >= 4 })
		points := int64(0)
		for _, r := range all {
			if answered(r) {
				points += r["csat_score"].(int64)
			}
		}
		low, high := wilson(satisfied, answers)
		rows = append(rows, row{
			"closed_date": k[0], "project_id": k[1], "channel": k[2], "conversations": int64(len(all)), "eligible": count(all, eligible),
			"answers": answers, "satisfied": satisfied, "csat_pct": ratio(100, satisfied, answers), "csat_low": low, "csat_high": high,
			"csat_avg":          ratio(1, points, answers),
			"response_rate_pct": ratio(100, count(all, func(r row) bool { return eligible(r) && answered(r) }), count(all, eligible)),
			"is_final":          f.day(k[0]),
		})
	}
	return rows
}

func npsDaily(truth map[string][]row, f final, asked []string) []row {
	var rows []row
	for k, all := range groups(truth["iadvize.conversations"], grains["nps_daily"]...) {
		scored := func(low, high int64) int64 {
			return count(all, func(r row) bool {
				n, ok := r["nps_score"].(int64)
				return ok && low <= n && n <= high
			})
		}
		answers, promoters, detractors := scored(0, 10), scored(9, 10), scored(0, 6)
		low, high := adjustedWald(promoters, detractors, answers)
		rows = append(rows, row{
			"closed_date": k[0], "project_id": k[1], "channel": k[2], "conversations": int64(len(all)),
			"eligible": count(all, func(r row) bool { return slices.Contains(asked, r["channel"].(string)) }),
			"answers":  answers, "promoters": promoters, "passives": scored(7, 8), "detractors": detractors,
			"nps": ratio(100, promoters-detractors, answers), "nps_low": low, "nps_high": high, "is_final": f.day(k[0]),
		})
	}
	return rows
}

// delivery is the measures that both marts of delivery have.
func delivery(waves []row, day any, f final) row {
	var total, delivered, failed, pending int64
	for _, w := range waves {
		t, d, x := w["total_messages"].(int64), w["messages_delivered"].(int64), w["messages_failed"].(int64)
		total, delivered, failed, pending = total+t, delivered+d, failed+x, pending+max(0, t-d-x)
	}
	return row{
		"scheduled_date": day, "total_messages": total, "delivered": delivered, "failed": failed, "pending": pending,
		"delivery_rate_pct": ratio(100, delivered, total), "confirmed_rate_pct": ratio(100, delivered, delivered+failed),
		"is_final": f.day(day),
	}
}

func deliveryByWave(truth map[string][]row, f final) []row {
	var rows []row
	for _, w := range truth["volt.waves"] {
		r := delivery([]row{w}, w["scheduled_date"], f)
		for _, c := range []string{"wave_id", "name", "type", "account_phone"} {
			r[c] = w[c]
		}
		rows = append(rows, r)
	}
	return rows
}

func deliveryDaily(truth map[string][]row, f final) []row {
	var rows []row
	for k, all := range groups(truth["volt.waves"], grains["delivery_daily"]...) {
		r := delivery(all, k[0], f)
		r["account_phone"], r["waves"] = k[1], int64(len(all))
		rows = append(rows, r)
	}
	return rows
}

func deliveryFailures(truth map[string][]row, f final) []row {
	var failed []row
	for _, m := range truth["volt.messages"] {
		if m["status"] == "failed" && m["direction"] == "outbound" {
			code := m["error_code"]
			if code == nil {
				code = "unknown"
			}
			failed = append(failed, row{"sent_date": m["sent_date"], "error_code": code})
		}
	}
	days := groups(failed, "sent_date")
	var rows []row
	for k, all := range groups(failed, grains["delivery_failures"]...) {
		n := int64(len(all))
		rows = append(rows, row{
			"sent_date": k[0], "error_code": k[1], "messages": n, "share_pct": ratio(100, n, int64(len(days[[4]any{k[0]}]))),
			"is_final": f.day(k[0]),
		})
	}
	return rows
}

func messagesByWave(truth map[string][]row, f final) []row {
	var rows []row
	for k, all := range groups(truth["volt.messages"], grains["messages_by_wave"]...) {
		of := func(status string) int64 { return count(all, func(r row) bool { return r["status"] == status }) }
		rows = append(rows, row{
			"sent_date": k[0], "account_phone": k[1], "wave_id": k[2], "direction": k[3],
			"messages": int64(len(all)), "delivered": of("delivered"), "failed": of("failed"), "is_final": f.day(k[0]),
		})
	}
	return rows
}

func callsDaily(truth map[string][]row, f final) []row {
	var rows []row
	for k, all := range groups(truth["aircall.calls"], grains["calls_daily"]...) {
		of := func(direction, kind string) int64 {
			return count(all, func(r row) bool { return r["direction"] == direction && (kind == "" || r["call_type"] == kind) })
		}
		sum, timed := new(big.Rat), int64(0)
		for _, r := range all {
			if seconds, ok := r["duration_seconds"].(float64); ok && r["call_type"] == "answered" {
				sum.Add(sum, new(big.Rat).SetFloat64(seconds))
				timed++
			}
		}
		var mean any
		if timed > 0 {
			mean, _ = sum.Quo(sum, big.NewRat(timed, 1)).Float64()
		}
		rows = append(rows, row{
			"created_date": k[0], "via_number": k[1],
			"inbound": of("inbound", ""), "inbound_answered": of("inbound", "answered"), "inbound_missed": of("inbound", "missed"),
			"inbound_voicemail": of("inbound", "voicemail"), "outbound": of("outbound", ""), "outbound_answered": of("outbound", "answered"),
			"answer_rate_pct": ratio(100, of("inbound", "answered"), of("inbound", "")), "avg_answered_seconds": mean,
			"is_final": f.day(k[0]),
		})
	}
	return rows
}

func revenueDaily(truth map[string][]row, f final) []row {
	var rows []row
	projects := map[any]any{}
	for _, c := range truth["iadvize.conversations"] {
		projects[c["conversation_id"]] = c["project_id"]
	}
	var sold []row
	for _, s := range truth["iadvize.transactions"] {
		sold = append(sold, row{
			"closed_date": s["closed_date"], "project_id": projects[s["conversation_id"]], "currency": s["currency"],
			"conversation_id": s["conversation_id"], "amount": s["amount"],
		})
	}
	for k, all := range groups(sold, grains["revenue_daily"]...) {
		sum := new(big.Rat)
		for _, s := range all {
			amount, _ := new(big.Rat).SetString(string(s["amount"].(decimal)))
			sum.Add(sum, amount)
		}
		rows = append(rows, row{
			"closed_date": k[0], "project_id": k[1], "currency": k[2], "transactions": int64(len(all)),
			"conversations": int64(len(groups(all, "conversation_id"))), "amount": decimal(sum.FloatString(4)),
			"is_final": f.day(k[0]),
		})
	}
	return rows
}
