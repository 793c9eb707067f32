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
	*world
	vendors []vendor
	truths  []told // of all vendors
	handler http.Handler
}

// vendor is one simulated API, as its file describes it.
type vendor struct {
	name   string                  // begins its paths and, in capitals, its variables
	routes map[string]http.Handler // by what follows the name; one that ends in /token signs in
	env    map[string]string       // variables, by what follows the name; a value that begins with a slash is a path after it
	truths []told
}

// vendors lists every simulated vendor. One is added by a line here.
var vendors = []struct {
	name string
	open func(*world) (vendor, error)
}{
	{"iadvize", newIAdvize},
	{"aircall", newAircall},
	{"volt", newVolt},
	{"desk", newDesk},
	{"clientloop", newClientLoop},
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
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return nil, fmt.Errorf("load the vendors' time zone: %w", err)
	}
	mux := http.NewServeMux()
	s := &Sandbox{world: &world{opt: opt, faults: faults, paris: paris}, handler: mux}
	mux.HandleFunc("GET /truth/{vendor}/{stream}", s.serveTruth)
	for _, listed := range vendors {
		v, err := listed.open(s.world)
		if err != nil {
			return nil, fmt.Errorf("build %s: %w", listed.name, err)
		}
		v.name = listed.name
		s.vendors, s.truths = append(s.vendors, v), append(s.truths, v.truths...)
		for path, h := range v.routes {
			path = "/" + v.name + path
			mux.Handle(path, s.faulty(path, h))
		}
	}
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

// Env returns the variables of pipelines.yaml that point every source at this
// sandbox, served at baseURL. The credentials among them are no secrets: they open
// nothing but a sandbox.
func (s *Sandbox) Env(baseURL string) map[string]string {
	env := map[string]string{}
	for _, v := range s.vendors {
		prefix, base := strings.ToUpper(v.name)+"_", strings.TrimSuffix(baseURL, "/")+"/"+v.name
		for name, value := range v.env {
			if strings.HasPrefix(value, "/") {
				value = base + value
			}
			env[prefix+name] = value
		}
		env[prefix+"RATE"] = "1000/s"
	}
	return env
}

// Secrets returns every credential that the vendors accept or have given so far,
// so that a test can look for them where they must not be.
func (s *Sandbox) Secrets() []string {
	s.mu.Lock()
	all := slices.Clone(s.given)
	s.mu.Unlock()
	for _, v := range s.vendors {
		for name, value := range v.env {
			if name == "PASSWORD" || name == "TOKEN" {
				all = append(all, value)
			}
		}
	}
	slices.Sort(all)
	return all
}
