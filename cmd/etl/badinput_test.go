package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"nightjar/extract/sandbox"
)

var badAnswers = []struct {
	name   string
	answer func(w http.ResponseWriter, r *http.Request, good http.Handler)
	want   string // regular expression, of the reason
}{
	{"HTML instead of JSON", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><html><body><h1>Scheduled maintenance</h1></body></html>")
	}, `garbled: .*HTML instead of JSON: .*Scheduled maintenance`},
	{"{} with status 500", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, "{}")
	}, `failing: .*status 500`},
	{"{} with status 200", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, "{}")
	}, `garbled: .*neither data nor errors|garbled: .*empty JSON`},
	{"a body that is cut off", func(w http.ResponseWriter, r *http.Request, good http.Handler) {
		whole := httptest.NewRecorder()
		good.ServeHTTP(whole, r)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", fmt.Sprint(whole.Body.Len()))
		w.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
	}, `(garbled|unreachable): .*cut`},
	{"errors beside data", func(w http.ResponseWriter, r *http.Request, good http.Handler) {
		whole := httptest.NewRecorder()
		good.ServeHTTP(whole, r)
		w.Header().Set("Content-Type", "application/json")
		w.Write(bytes.Replace(whole.Body.Bytes(), []byte("{"), []byte(`{"errors":[{"message":"the shard is resting"}],`), 1))
	}, `(failing|refused): .*the shard is resting`},
	{"a body without end", func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"data":{"rows":["`)
		for chunk := bytes.Repeat([]byte("x"), 1<<20); r.Context().Err() == nil; {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}, `too large: .*size cap of 1048576 bytes`},
}

// A vendor that answers badly gets one clear message, with the place in it, the
// right exit code, and changes nothing that readers see.
func TestBadAnswersOfVendors(t *testing.T) {
	var spoil atomic.Pointer[func(w http.ResponseWriter, r *http.Request, good http.Handler)]
	wrap := func(good http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if f := spoil.Load(); f != nil && isData(r) {
				(*f)(w, r, good)
				return
			}
			good.ServeHTTP(w, r)
		})
	}
	stopped := &clock{at: time.Now()}
	_, env := simulate(t, sandbox.Options{Seed: 1, Clock: stopped.now}, wrap)
	p := newProgram(t)
	p.configure(impatient)
	p.env = env
	p.must(exitOK, "run", "-q")
	generation := p.live()

	for _, pipeline := range []struct{ name, vendor, stream string }{
		{"conversations", "iadvize", "closed_conversations"},
		{"calls", "aircall", "calls"},
		{"messages", "volt", "messages"},
		{"waves", "volt", "waves"},
	} {
		for _, a := range badAnswers {
			t.Run(pipeline.name+"/"+a.name, func(t *testing.T) {
				p.t = t
				spoil.Store(&a.answer)
				r := p.must(exitFailed, "run", pipeline.name, "--full")
				spoil.Store(nil)
				if r.peak > 300<<20 || r.took > 15*time.Second {
					t.Errorf("it took %s and %d MB", r.took, r.peak>>20)
				}
				place := pipeline.vendor + ` ` + pipeline.stream + ` window \S+ page \d+: `
				if reason := reasonOf(r.stdout, pipeline.name); !regexp.MustCompile(place + `(` + a.want + `)`).MatchString(reason) {
					t.Errorf("the reason is %q, want %s", reason, place+a.want)
				}
				if p.live() != generation {
					t.Errorf("the live generation is %s, and was %s", p.live(), generation)
				}
				p.verified()
			})
		}
	}
	p.t = t
	p.must(exitOK, "run", "-q", "--full")
	p.verified()
}

// What keeps the program from asking at all is said just as clearly.
func TestVendorsThatDoNotLetIn(t *testing.T) {
	stopped := &clock{at: time.Now()}
	_, env := simulate(t, sandbox.Options{Seed: 1, Clock: stopped.now}, nil)
	p := newProgram(t)
	p.configure(impatient)
	p.env = env
	p.must(exitOK, "run", "-q")
	generation := p.live()

	nobody := httptest.NewServer(nil)
	nobody.Close()
	for _, row := range []struct {
		name     string
		pipeline string
		set      map[string]string
		want     string // regular expression, of the reason
	}{
		{"unreachable host", "conversations", map[string]string{"IADVIZE_ENDPOINT": nobody.URL, "IADVIZE_TOKEN_URL": nobody.URL}, `iadvize.*: unreachable: .*connection refused`},
		{"unreachable host", "calls", map[string]string{"AIRCALL_ENDPOINT": nobody.URL}, `aircall.*: unreachable: .*connection refused`},
		{"unreachable host", "messages", map[string]string{"VOLT_ENDPOINT": nobody.URL}, `volt.*: unreachable: .*connection refused`},
		{"wrong password", "conversations", map[string]string{"IADVIZE_PASSWORD": "wrong-but-secret"}, `iadvize.*: denied: `},
		{"wrong password", "calls", map[string]string{"AIRCALL_PASSWORD": "wrong-but-secret"}, `aircall.*: denied: `},
		{"wrong token", "messages", map[string]string{"VOLT_TOKEN": "wrong-but-secret"}, `volt.*: denied: `},
	} {
		t.Run(row.pipeline+"/"+row.name, func(t *testing.T) {
			q := &program{t: t, dir: p.dir, env: maps.Clone(env)}
			maps.Copy(q.env, row.set)
			r := q.must(exitFailed, "run", row.pipeline)
			if reason := reasonOf(r.stdout, row.pipeline); !regexp.MustCompile(row.want).MatchString(reason) {
				t.Errorf("the reason is %q, want %s", reason, row.want)
			}
			if strings.Contains(r.stdout+r.stderr, "wrong-but-secret") {
				t.Error("the password that was refused is shown")
			}
			if q.live() != generation {
				t.Errorf("the live generation is %s, and was %s", q.live(), generation)
			}
			q.verified()
		})
	}
}

// Where a smaller window has no second page, a cursor that repeats costs nothing.
func TestCursorThatRepeatsInLargeWindows(t *testing.T) {
	stopped := &clock{at: time.Now()}
	opt := sandbox.Options{Seed: 1, Clock: stopped.now, Scale: 1}
	var warehouses []string
	for _, faults := range [][]string{nil, {"repeat-cursor"}} {
		opt.Faults = faults
		p := newProgram(t)
		p.configure(impatient)
		_, p.env = simulate(t, opt, nil)
		p.must(exitOK, "run", "conversations")
		warehouses = append(warehouses, p.path())
	}
	sameTables(t, warehouses[0], warehouses[1])
}

// Where every page says that one more follows, the walk ends all the same.
func TestCursorThatRepeatsForEver(t *testing.T) {
	forEver := func(good http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			sent, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(bytes.ReplaceAll(sent, []byte(`"again"`), []byte("null"))))
			whole := httptest.NewRecorder()
			good.ServeHTTP(whole, r)
			body := regexp.MustCompile(`"hasNextPage":\s*false`).ReplaceAll(whole.Body.Bytes(), []byte(`"hasNextPage":true`))
			body = regexp.MustCompile(`"endCursor":\s*(null|"[^"]*")`).ReplaceAll(body, []byte(`"endCursor":"again"`))
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(whole.Code)
			w.Write(body)
		})
	}
	stopped := &clock{at: time.Now()}
	_, env := simulate(t, sandbox.Options{Seed: 1, Clock: stopped.now}, forEver)
	p := newProgram(t)
	p.configure(impatient)
	p.env = env
	r := p.must(exitFailed, "run", "conversations")
	if reason := reasonOf(r.stdout, "conversations"); !regexp.MustCompile(`iadvize closed_conversations window \S+ page \d+: stuck: `).MatchString(reason) {
		t.Errorf("the reason is %q", reason)
	}
	if p.live() != "" {
		t.Errorf("generation %s is live", p.live())
	}
}

// isData tells requests for rows from sign-ins and questions about the schema.
func isData(r *http.Request) bool {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	for _, other := range []string{"__schema", "__type(", "grant_type", "login", "refreshToken"} {
		if bytes.Contains(body, []byte(other)) {
			return false
		}
	}
	return true
}

// reasonOf is the line of the summary that says why a pipeline is not complete.
func reasonOf(stdout, pipeline string) string {
	for line := range strings.Lines(stdout) {
		if strings.HasPrefix(line, pipeline+" is ") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}
