package config

import (
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Sources holds the vendors that the file describes; nil where it does not.
type Sources struct {
	IAdvize    *IAdvize
	Aircall    *Aircall
	Volt       *Volt
	Desk       *Desk
	ClientLoop *ClientLoop
}

// Wire is what every source says of its endpoint.
type Wire struct {
	Endpoint    string        // absolute http or https URL
	Rate        float64       // requests a second, above zero
	Concurrency int           // requests under way at once, at least 1
	Timeout     time.Duration // of one request, body included
	Retries     int           // repeats of one request before it is an error
	MaxBody     int64         // bytes of one answer, decompressed
	AllowHTTP   bool          // credentials may go to another machine in clear
}

// vendor is a key of sources.
type vendor struct {
	key[Sources]
	streams    []string                   // what the source can be asked for
	definition func() object              // the schema of the source
	wire       func(Sources) (Wire, bool) // false where the file does not describe it
}

// vendors lists every source there is, with its streams. A vendor is added by a line
// here and a field of Sources; its keys are in the file of its name. What each stream
// can be told stands in settings.
func vendors() []vendor {
	return []vendor{
		source("iadvize", "iAdvize: closed conversations with their surveys and transactions.", func(s *Sources) **IAdvize { return &s.IAdvize }, iadvizeKeys(), "closed_conversations"),
		source("aircall", "Aircall: calls and their notes.", func(s *Sources) **Aircall { return &s.Aircall }, aircallKeys(), "calls"),
		source("volt", "Volt (Respond Flow): SMS waves and messages.", func(s *Sources) **Volt { return &s.Volt }, voltKeys(), "waves", "messages"),
		source("desk", "Teamwork Desk: chat conversations.", func(s *Sources) **Desk { return &s.Desk }, deskKeys(), "conversations"),
		source("clientloop", "ClientLoop: identity-verification sessions.", func(s *Sources) **ClientLoop { return &s.ClientLoop }, clientloopKeys(), "idv_sessions"),
	}
}

func source[T addressed](name, about string, at func(*Sources) **T, keys []key[T], streams ...string) vendor {
	read := func(f field, s *Sources) { *at(s) = readSource(f, keys) }
	return vendor{
		key:        key[Sources]{name: name, about: about, slot: slot[Sources]{read: read, schema: func() object { return refer(name) }}},
		streams:    streams,
		definition: func() object { return mapping(keys, false) },
		wire: func(s Sources) (Wire, bool) {
			if said := *at(&s); said != nil {
				return (*said).wire(), true
			}
			return Wire{}, false
		},
	}
}

// sourceKeys are the keys of sources.
func sourceKeys() []key[Sources] {
	var all []key[Sources]
	for _, v := range vendors() {
		all = append(all, v.key)
	}
	return all
}

// Wire returns what the file says of the endpoint of a source, such as "volt";
// false where it does not describe it.
func (s Sources) Wire(source string) (Wire, bool) {
	for _, v := range vendors() {
		if v.name == source {
			return v.wire(s)
		}
	}
	return Wire{}, false
}

// readSources reads the sources, and notes which there are.
func readSources(f field, c *Config) {
	for name := range readMapping(f, &c.Sources, sourceKeys()) {
		f.described = append(f.described, name)
	}
}

// readSource reads one source over its defaults. One that no enabled pipeline
// uses may be incomplete, but what it says is checked all the same.
func readSource[T addressed](f field, keys []key[T]) *T {
	var into T
	fill(&into, keys)
	f.needed = f.users[keyOf(f.path)]
	f.idle = len(f.needed) == 0
	f.incomplete = f.idle
	given := readMapping(f, &into, keys)
	addresses, allowHTTP := into.addresses()
	for _, name := range slices.Sorted(maps.Keys(addresses)) {
		if u, err := url.Parse(addresses[name]); err == nil && u.Scheme == "http" && !loopback(u.Hostname()) && !allowHTTP {
			given[name].problem("http:// sends the credentials to %s in clear; want https://, or allow_http: true in this source if nobody listens on the way", quoted(u.Hostname()))
		}
	}
	return &into
}

// addressed is a source that sends its credentials to addresses.
type addressed interface {
	// addresses are those that are known, by key, and whether they may be http.
	addresses() (byKey map[string]string, allowHTTP bool)
	wire() Wire
}

func (w Wire) wire() Wire { return w }

func (w Wire) addresses() (map[string]string, bool) {
	return map[string]string{"endpoint": w.Endpoint}, w.AllowHTTP
}

// loopback reports whether a host is this machine, however its names resolve.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// wireKeys are the keys that every source has. Rates stay below what the vendors
// document or, where they document nothing, below what a browser would ask.
func wireKeys[T any](wire func(*T) *Wire, rate, concurrency string) []key[T] {
	return []key[T]{
		{name: "endpoint", example: "https://api.example.com/graphql",
			about: "The vendor's API: an absolute https URL; http for this machine, or with allow_http.",
			slot:  one(func(s *T) *string { return &wire(s).Endpoint }, urlForm())},
		{name: "rate", preset: rate, about: "Requests a second (5/s), a minute (120/m) or an hour, at most.",
			slot: one(func(s *T) *float64 { return &wire(s).Rate }, within(rateForm(), "1/h", "1000000/s"))},
		{name: "concurrency", preset: concurrency, about: "Requests under way at once.",
			slot: one(func(s *T) *int { return &wire(s).Concurrency }, within(integerForm[int](1), "1", "64"))},
		{name: "timeout", preset: "60s", about: "The time limit of one request, its body included.",
			slot: one(func(s *T) *time.Duration { return &wire(s).Timeout }, within(durationForm(), "100ms", "1h"))},
		{name: "retries", preset: "5", about: "Repeats of one request before it is an error.",
			slot: one(func(s *T) *int { return &wire(s).Retries }, within(integerForm[int](0), "0", "20"))},
		{name: "max_page", preset: "16MiB", about: "The most bytes of one answer, decompressed.",
			slot: one(func(s *T) *int64 { return &wire(s).MaxBody }, within(sizeForm(), "64KiB", "1GiB"))},
		{name: "allow_http", preset: "false",
			about: "Whether the credentials may go to another machine over http, which anyone on the way can read.",
			slot:  one(func(s *T) *bool { return &wire(s).AllowHTTP }, boolForm())},
	}
}
