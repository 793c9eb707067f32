package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"nightjar/extract/sandbox"
)

// A wrong password, token or address is found out once and told in one line, with
// the keys to look at, whatever number of pipelines and windows want it.
func TestWrongCredentialsAreOneLine(t *testing.T) {
	var asked atomic.Int32
	box, env := simulate(t, sandbox.Options{Seed: 1}, func(good http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			good.ServeHTTP(w, r)
		})
	})
	for _, c := range []struct {
		name, variable, value string
		pipelines             []string
		asked                 int32 // of a run
		line                  string
	}{
		{"iAdvize's password", "IADVIZE_PASSWORD", "wrong-one", []string{"conversations"}, 1,
			`conversations is failed: iadvize: denied: sign in: status 401: .*; see username and password \(or password_file\) of sources\.iadvize in pipelines\.yaml`},
		{"Aircall's password", "AIRCALL_PASSWORD", "wrong-one", []string{"calls"}, 1,
			`calls is failed: aircall: denied: sign in: .*; see username and password \(or password_file\) of sources\.aircall in pipelines\.yaml`},
		{"Volt's token", "VOLT_TOKEN", "wrong-one", []string{"waves", "messages"}, 2,
			`messages, waves are failed: volt: denied: status 401: .*; see token \(or token_file\) of sources\.volt in pipelines\.yaml`},
		{"a path of nobody's", "VOLT_ENDPOINT", env["VOLT_ENDPOINT"] + "/nowhere?key=wrong-one", []string{"waves", "messages"}, 1,
			`messages, waves are failed: volt: misdirected: http://[^ ?]*/nowhere: status 404: text instead of JSON: "404 page not found"; see endpoint of sources\.volt in pipelines\.yaml`},
		{"a token from nowhere", "IADVIZE_TOKEN_URL", env["IADVIZE_TOKEN_URL"] + "/nowhere", []string{"conversations"}, 1,
			`conversations is failed: iadvize: misdirected: sign in: http://[^ ?]*/nowhere: status 404: .*; see token_url of sources\.iadvize in pipelines\.yaml`},
		{"another protocol", "AIRCALL_ENDPOINT", strings.Replace(env["AIRCALL_ENDPOINT"], "http:", "https:", 1), []string{"calls"}, 0,
			`calls is failed: aircall: misdirected: sign in: https://.*TLS handshake; see endpoint of sources\.aircall in pipelines\.yaml`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProgram(t)
			p.configure(impatient)
			p.env = maps.Clone(env)
			p.env[c.variable] = c.value
			asked.Store(0)
			r := p.must(exitFailed, append([]string{"run", "-q"}, c.pipelines...)...)
			if got := asked.Load(); got != c.asked {
				t.Errorf("%d requests, want %d", got, c.asked)
			}
			told := regexp.MustCompile(`(?m)^.*(denied|misdirected).*$`).FindAllString(r.stdout, -1)
			if len(told) != 1 || !regexp.MustCompile(`^`+c.line+`$`).MatchString(told[0]) {
				t.Errorf("stdout tells %d lines %q, want %s", len(told), told, c.line)
			}
			if n := strings.Count(r.stderr, "level=WARN"); n != 1 {
				t.Errorf("%d warnings:\n%s", n, r.stderr)
			}
			check := p.must(exitFailed, append([]string{"check", "--online"}, c.pipelines...)...)
			if n := strings.Count(check.stdout, "\n"); n != 1 || !strings.Contains(check.stdout, "; see ") {
				t.Errorf("check tells\n%s", check.stdout)
			}
			lookFor(t, append(box.Secrets(), "wrong-one"), "what was printed", []byte(r.stdout+r.stderr+check.stdout+check.stderr))
		})
	}
}

// What a vendor's errors say of people, and to terminals, is nowhere: neither in
// the run that met it nor in any later look at it.
func TestWordsOfAHostileVendor(t *testing.T) {
	const words = `\u001b]0;owned\u0007\u001b[2J\u009b31m\u202ejane.doe@example.com \nlevel=INFO msg=fine +33 6 12 34 56 78`
	var hostile atomic.Bool
	_, env := simulate(t, sandbox.Options{Seed: 1}, func(good http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if hostile.Load() && isData(r) {
				fmt.Fprintf(w, `{"errors":[{"message":"%s","path":["%[1]s"],"extensions":{"code":"%[1]s"}}]}`, words)
				return
			}
			good.ServeHTTP(w, r)
		})
	})
	p := newProgram(t)
	p.configure(strings.ReplaceAll(impatient, "retries: 1", "retries: 0"))
	p.env = env
	p.must(exitOK, "run", "-q", "messages")
	hostile.Store(true)
	for _, args := range [][]string{{"run", "calls", "conversations"}, {"run", "--json", "calls"}, {"status"}, {"status", "--json"}, {"check", "--online"}} {
		r := p.etl(args...)
		for _, part := range []string{"\x1b", "\x07", "\u009b", "\u202e", "jane", "example.com", "12 34 56", "\nlevel=INFO msg=fine"} {
			if at := strings.Index(r.stdout+r.stderr, part); at >= 0 {
				t.Errorf("etl %s tells %q:\n%s%s", strings.Join(args, " "), part, r.stdout, r.stderr)
			}
		}
	}
	hostile.Store(false)
	p.must(exitOK, "run", "-q", "waves")
	db := openDatabase(t, p.path("analytics.duckdb"))
	told := strings.Join(query(t, db, "SELECT reason FROM etl.runs WHERE reason IS NOT NULL"), "\n")
	if strings.Contains(told, "jane") || strings.ContainsAny(told, "\x1b\u202e") {
		t.Errorf("etl.runs has %q", told)
	}
}

// bombs make answers of few bytes on the wire and much behind them, packed.
func bombs() map[string]func() []byte {
	const size = 12 << 20
	fill := func(head, piece, tail string, n int) func() []byte {
		return func() []byte {
			var out bytes.Buffer
			w := gzip.NewWriter(&out)
			io.WriteString(w, head)
			for range n {
				io.WriteString(w, piece)
			}
			io.WriteString(w, tail)
			w.Close()
			return out.Bytes()
		}
	}
	const page = `{"data":{"paginatedCalls":{"totalCount":1,"hasNextPage":false,"nodes":[`
	several := strings.Replace(page, `"totalCount":1`, `"totalCount":800`, 1) // asked for side by side
	for i := range 100 {
		several += fmt.Sprintf(`{"id":%d},`, i)
	}
	return map[string]func() []byte{
		"many numbers":        fill(page, "0,", `0]}}}`, size/2),
		"most numbers":        fill(page, "0,", `0]}}}`, 990_000),
		"most calls":          fill(page, `{"id":"1"},`, `0]}}}`, 490_000),
		"most notes":          fill(page+`{"id":"1","notes":[`, `{"id":1},`, `0]}]}}}`, 490_000),
		"in an unknown field": fill(`{"x":[`, "{},", `0],"data":{}}`, size/3),
		"many errors":         fill(`{"errors":[`, `{},`, `0]}`, size/3),
		"long errors":         fill(`{"errors":[`, `{"message":"`+strings.Repeat("m", 1<<10)+`"},`, `0]}`, size>>10),
		"deep":                fill(`{"data":`, "[", ``, size),
		"a long text":         fill(page+`{"id":"`, strings.Repeat("x", 1<<10), `"}]}}}`, size>>10),
		"several long texts":  fill(several+`{"id":1,"x":"`, strings.Repeat("x", 1<<10), `"}]}}}`, size>>10),
		"several of calls":    fill(several, `{"id":"1"},`, `0]}}}`, 490_000),
		"beyond the cap":      fill(`{"data":"`, strings.Repeat("x", 1<<10), `"}`, 200<<10),
	}
}

// detonate serves a bomb wherever data of calls is asked for.
func detonate(b testing.TB, bomb *atomic.Pointer[[]byte]) func(http.Handler) http.Handler {
	return func(good http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if body := bomb.Load(); body != nil && isData(r) {
				w.Header().Set("Content-Encoding", "gzip")
				w.Header().Set("Content-Type", "application/json")
				if _, err := w.Write(*body); err != nil {
					b.Logf("serve: %v", err)
				}
				return
			}
			good.ServeHTTP(w, r)
		})
	}
}

// bombed is a program with the default size of pages, whose vendor of calls sends
// what bomb points to.
func bombed(tb testing.TB, bomb *atomic.Pointer[[]byte]) *program {
	_, env := simulate(tb, sandbox.Options{Seed: 1}, detonate(tb, bomb))
	p := newProgram(tb)
	p.configure(strings.ReplaceAll(strings.ReplaceAll(impatient, ", max_page: 1MiB", ""), "retries: 1", "retries: 0"))
	p.env = env
	return p
}

// BenchmarkBombs prints the peak memory of a process that meets each bomb.
func BenchmarkBombs(b *testing.B) {
	for name, made := range bombs() {
		b.Run(strings.ReplaceAll(name, " ", "_"), func(b *testing.B) {
			bomb := made()
			var at atomic.Pointer[[]byte]
			at.Store(&bomb)
			p, peak := bombed(b, &at), int64(0)
			for b.Loop() {
				r := p.etl("run", "-q", "calls")
				peak = max(peak, r.peak)
			}
			b.ReportMetric(float64(peak)/1e6, "peak-MB")
			b.ReportMetric(float64(len(bomb))/1e3, "wire-kB")
			if peak > 600e6 {
				b.Errorf("%d MB", peak/1e6)
			}
		})
	}
}

// A bomb is one failed or held pipeline; the others are published, and a stop is
// heard while it is read.
func TestABombIsOneFailedPipeline(t *testing.T) {
	bomb, slow := bombs()["many numbers"](), bombs()["several of calls"]()
	var at atomic.Pointer[[]byte]
	p := bombed(t, &at)
	p.must(exitOK, "run", "-q", "waves")
	at.Store(&bomb)
	r := p.must(exitFailed, "run", "-q", "calls")
	if !strings.Contains(r.stdout, "too large: answer holds more than 1000000 JSON values") || r.peak > 600e6 {
		t.Errorf("%d MB, and\n%s", r.peak/1e6, r.stdout)
	}
	at.Store(&slow) // seconds of work
	cmd := p.command(t.Context(), "run", "-q", "calls")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	stopped := time.Now()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // however it ends
	if took, code := time.Since(stopped), cmd.ProcessState.ExitCode(); code != exitInterrupted || took > 10*time.Second {
		t.Errorf("a stop took %s, exit code %d", took, code)
	}
}
