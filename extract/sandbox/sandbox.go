// Package sandbox simulates the vendors over HTTP, so that the program can be
// tried, demonstrated and tested whole without an account anywhere. It is an
// independent witness: it knows the vendors' contracts and nothing of the
// packages that read them.
//
// Glossary. A vendor is one simulated API, served by one http.Handler. A
// timeline is all that ever happens to one record; what the vendor shows of it
// is a pure function of the seed, the scale and the clock, so that moving the
// clock shows late answers, new notes and the progress of waves. The truth is
// what a vendor holds at this reading of the clock, in its own field names. A
// fault is a named way in which a vendor misbehaves.
//
// GraphQL vendors parse, validate and execute every request against the SDL in
// testdata/contracts with a real GraphQL library.
package sandbox

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // business hours are those of Europe/Paris, on any machine
)

// Options say what the simulated vendors hold and how they behave. The zero
// value is the demo.
type Options struct {
	Seed  uint64  // same seed, scale, dates and clock reading: same data
	Scale float64 // multiplies the data; 1, the demo's size, if zero

	// Clock tells the vendors the time: records and changes show once it has
	// reached them, and tokens expire by it. It must be safe for concurrent use.
	// Nil is time.Now.
	Clock func() time.Time
	// Start is the first day of the history. Zero is 90 days before End. Ids that
	// count up do so from here.
	Start time.Time
	// End is the day to which the vendors have a past; data for the seven days
	// after it waits for the clock. Zero is the clock's reading in New.
	End time.Time

	Faults     []string      // names of FaultNames
	RetryAfter time.Duration // told by a refusal for rate, in whole seconds, rounded down; one second if zero

	// IAdvizeShape is which query iAdvize offers: "search" for
	// searchClosedConversations, "closed" for closedConversations, "both" if empty.
	IAdvizeShape string
	// FirstWave is the id of Volt's first wave; 101 if zero.
	FirstWave int64
	// Waves is how many waves Volt holds; zero is 50 times the scale.
	Waves int
	// WaveSize is the mean number of recipients of a wave; 125 if zero.
	WaveSize int
}

// Sandbox is the simulated vendors. Its methods may be called by many
// goroutines at once.
type Sandbox struct {
	opt     Options
	faults  faultSet
	iadvize *iadvize
	aircall *aircall
	volt    *volt
	desk    *desk
	loop    *clientLoop
	handler http.Handler
}

// historyDays is how far the past reaches back, futureDays how far data is ready
// for a clock that moves on.
const (
	historyDays = 90
	futureDays  = 7
)

// New generates the vendors' data and builds their handlers. It costs about a
// second a hundred thousand records.
func New(opt Options) (*Sandbox, error) {
	if err := opt.complete(); err != nil {
		return nil, err
	}
	faults, err := parseFaults(opt.Faults)
	if err != nil {
		return nil, err
	}
	s := &Sandbox{opt: opt, faults: faults}
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return nil, fmt.Errorf("load the vendors' time zone: %w", err)
	}
	w := newWorld(opt, faults, paris)
	if s.iadvize, err = newIAdvize(w); err != nil {
		return nil, fmt.Errorf("build iadvize: %w", err)
	}
	if s.aircall, err = newAircall(w); err != nil {
		return nil, fmt.Errorf("build aircall: %w", err)
	}
	if s.volt, err = newVolt(w); err != nil {
		return nil, fmt.Errorf("build volt: %w", err)
	}
	s.desk = newDesk(w)
	if s.loop, err = newClientLoop(w); err != nil {
		return nil, fmt.Errorf("build clientloop: %w", err)
	}
	s.handler = s.routes()
	return s, nil
}

// complete fills in defaults and refuses what makes no sense.
func (o *Options) complete() error {
	if o.Scale == 0 {
		o.Scale = 1
	}
	if o.Scale < 0 || math.IsNaN(o.Scale) || o.Scale > 1000 {
		return fmt.Errorf("scale %v is not between 0 and 1000", o.Scale)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.End.IsZero() {
		o.End = o.Clock()
	}
	if o.Start.IsZero() {
		o.Start = o.End.AddDate(0, 0, -historyDays)
	}
	if o.Start.After(o.End) {
		return fmt.Errorf("start %s is after end %s", o.Start.Format(time.DateOnly), o.End.Format(time.DateOnly))
	}
	if o.RetryAfter == 0 {
		o.RetryAfter = time.Second
	}
	if o.IAdvizeShape == "" {
		o.IAdvizeShape = "both"
	}
	if shapes := []string{"search", "closed", "both"}; !slices.Contains(shapes, o.IAdvizeShape) {
		return fmt.Errorf("iadvize shape %q is none of %s", o.IAdvizeShape, strings.Join(shapes, ", "))
	}
	if o.FirstWave == 0 {
		o.FirstWave = 101
	}
	if o.Waves == 0 {
		o.Waves = max(1, int(math.Round(50*o.Scale)))
	}
	if o.WaveSize == 0 {
		o.WaveSize = 125
	}
	return nil
}

// Handler serves every vendor under a path of its own, and the truth under
// /truth/.
func (s *Sandbox) Handler() http.Handler { return s.handler }

func (s *Sandbox) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/iadvize/graphql", s.faulty("iadvize", http.HandlerFunc(s.iadvize.serveGraphQL)))
	mux.Handle("/iadvize/oauth2/token", s.faulty("iadvize sign-in", http.HandlerFunc(s.iadvize.serveToken)))
	mux.Handle("/aircall/graphql", s.faulty("aircall", http.HandlerFunc(s.aircall.serveGraphQL)))
	mux.Handle("/volt/graphql", s.faulty("volt", http.HandlerFunc(s.volt.serveGraphQL)))
	mux.Handle("/desk/api/v2/", s.faulty("desk", http.StripPrefix("/desk/api/v2", s.desk.routes())))
	mux.Handle("/clientloop/", s.faulty("clientloop", http.HandlerFunc(s.loop.serveGraphQL)))
	mux.HandleFunc("GET /truth/{vendor}/{stream}", s.serveTruth)
	return mux
}

// Credentials that the vendors accept. They are no secrets: they open nothing
// but a sandbox.
const (
	iadvizeUser     = "exporter@nightjar.example"
	iadvizePassword = "iadvize-sandbox-password-7f3a"
	aircallUser     = "exporter"
	aircallPassword = "aircall-sandbox-password-91bc"
	voltToken       = "volt-sandbox-token-5d20e8"
	deskToken       = "desk-sandbox-key-c4417f"
	loopToken       = "clientloop-sandbox-key-08be6d"
	loopOrg         = "org_nightjar"
)

// Env returns the variables of pipelines.yaml that point every source at this
// sandbox, served at baseURL.
func (s *Sandbox) Env(baseURL string) map[string]string {
	base := strings.TrimSuffix(baseURL, "/")
	env := map[string]string{
		"IADVIZE_ENDPOINT":    base + "/iadvize/graphql",
		"IADVIZE_TOKEN_URL":   base + "/iadvize/oauth2/token",
		"IADVIZE_USERNAME":    iadvizeUser,
		"IADVIZE_PASSWORD":    iadvizePassword,
		"AIRCALL_ENDPOINT":    base + "/aircall/graphql",
		"AIRCALL_USERNAME":    aircallUser,
		"AIRCALL_PASSWORD":    aircallPassword,
		"VOLT_ENDPOINT":       base + "/volt/graphql",
		"VOLT_TOKEN":          voltToken,
		"DESK_ENDPOINT":       base + "/desk/api/v2",
		"DESK_TOKEN":          deskToken,
		"CLIENTLOOP_ENDPOINT": base + "/clientloop/",
		"CLIENTLOOP_TOKEN":    loopToken,
		"CLIENTLOOP_ORG_ID":   loopOrg,
	}
	for _, vendor := range []string{"IADVIZE", "AIRCALL", "VOLT", "DESK", "CLIENTLOOP"} {
		env[vendor+"_RATE"] = "1000/s"
	}
	return env
}

// Secrets returns every credential that the vendors accept or have given so far,
// so that a test can look for them where they must not be.
func (s *Sandbox) Secrets() []string {
	all := []string{iadvizePassword, aircallPassword, voltToken, deskToken, loopToken}
	s.iadvize.tokens.mu.Lock()
	all = slices.AppendSeq(all, maps.Keys(s.iadvize.tokens.expires))
	s.iadvize.tokens.mu.Unlock()
	s.aircall.tokens.mu.Lock()
	all = slices.AppendSeq(all, maps.Keys(s.aircall.tokens.known))
	s.aircall.tokens.mu.Unlock()
	s.loop.mu.Lock()
	all = append(all, s.loop.tokens...)
	s.loop.mu.Unlock()
	s.desk.mu.Lock()
	all = append(all, s.desk.issued...)
	s.desk.mu.Unlock()
	slices.Sort(all)
	return all
}
