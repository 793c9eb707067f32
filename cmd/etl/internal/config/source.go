package config

import (
	"errors"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// sourceKeys are the keys of sources.
func sourceKeys(p wires, aircall Aircall) []key[Sources] {
	aircall.Wire = p.aircall
	return []key[Sources]{
		{name: "iadvize", read: func(f field, s *Sources) { s.IAdvize = readSource(f, IAdvize{Wire: p.iadvize}, iadvizeKeys()) }},
		{name: "aircall", read: func(f field, s *Sources) { s.Aircall = readSource(f, aircall, aircallKeys()) }},
		{name: "volt", read: func(f field, s *Sources) { s.Volt = readSource(f, Volt{Wire: p.volt}, voltKeys()) }},
		{name: "desk", read: func(f field, s *Sources) { s.Desk = readSource(f, Desk{Wire: p.desk}, deskKeys()) }},
		{name: "clientloop", read: func(f field, s *Sources) {
			s.ClientLoop = readSource(f, ClientLoop{Wire: p.clientloop}, clientloopKeys())
		}},
	}
}

// readSource reads one source over its defaults. One that no enabled pipeline
// uses may be incomplete, but what it says is checked all the same.
func readSource[T addressed](f field, into T, keys []key[T]) *T {
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
}

func (w Wire) addresses() (map[string]string, bool) {
	return map[string]string{"endpoint": w.Endpoint}, w.AllowHTTP
}

func (s IAdvize) addresses() (map[string]string, bool) {
	return map[string]string{"endpoint": s.Endpoint, "token_url": s.TokenURL}, s.AllowHTTP
}

// loopback reports whether a host is this machine, however its names resolve.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// wireKeys are the keys that every source has.
func wireKeys[T any](wire func(*T) *Wire) []key[T] {
	return []key[T]{
		scalarKey("endpoint", "https://api.example.com/graphql", func(s *T) *string { return &wire(s).Endpoint }, urlForm()),
		scalarKey("rate", "", func(s *T) *float64 { return &wire(s).Rate }, within(rateForm(), "1/h", "1000000/s")),
		scalarKey("concurrency", "", func(s *T) *int { return &wire(s).Concurrency }, within(integerForm[int](1), "1", "64")),
		scalarKey("timeout", "", func(s *T) *time.Duration { return &wire(s).Timeout }, within(durationForm(), "100ms", "1h")),
		scalarKey("retries", "", func(s *T) *int { return &wire(s).Retries }, within(integerForm[int](0), "0", "20")),
		scalarKey("max_page", "", func(s *T) *int64 { return &wire(s).MaxBody }, within(sizeForm(), "64KiB", "1GiB")),
		scalarKey("allow_http", "", func(s *T) *bool { return &wire(s).AllowHTTP }, boolForm()),
	}
}

func iadvizeKeys() []key[IAdvize] {
	return append(wireKeys(func(s *IAdvize) *Wire { return &s.Wire }),
		scalarKey("token_url", "https://api.iadvize.com/oauth2/token", func(s *IAdvize) *string { return &s.TokenURL }, urlForm()),
		scalarKey("username", "${IADVIZE_USERNAME}", func(s *IAdvize) *string { return &s.Username }, textForm("a user name")),
		secretKey("password", func(s *IAdvize) *Secret { return &s.Password }),
		listKey("projects", "[9999]", func(s *IAdvize) *[]int64 { return &s.Projects }, integerForm[int64](1)),
		scalarKey("query", "", func(s *IAdvize) *string { return &s.Query }, choiceForm("searchClosedConversations", "closedConversations")),
	)
}

func aircallKeys() []key[Aircall] {
	return append(wireKeys(func(s *Aircall) *Wire { return &s.Wire }),
		scalarKey("username", "${AIRCALL_USERNAME}", func(s *Aircall) *string { return &s.Username }, textForm("a user name")),
		secretKey("password", func(s *Aircall) *Secret { return &s.Password }),
		scalarKey("duration_unit", "", func(s *Aircall) *time.Duration { return &s.DurationUnit }, unitForm()),
	)
}

func voltKeys() []key[Volt] {
	return append(wireKeys(func(s *Volt) *Wire { return &s.Wire }),
		secretKey("token", func(s *Volt) *Secret { return &s.Token }),
		listKey("accounts", `["+10003334444"]`, func(s *Volt) *[]string { return &s.Accounts }, checkedText(`a phone number such as "+10003334444"`, parsePhone)),
	)
}

func deskKeys() []key[Desk] {
	return append(wireKeys(func(s *Desk) *Wire { return &s.Wire }),
		secretKey("token", func(s *Desk) *Secret { return &s.Token }),
		scalarKey("tokens", "", func(s *Desk) *bool { return &s.Tokens }, boolForm()),
	)
}

func clientloopKeys() []key[ClientLoop] {
	return append(wireKeys(func(s *ClientLoop) *Wire { return &s.Wire }),
		secretKey("token", func(s *ClientLoop) *Secret { return &s.Token }),
		scalarKey("org_id", "${CLIENTLOOP_ORG_ID}", func(s *ClientLoop) *string { return &s.OrgID }, textForm("the id of the organisation")),
	)
}

// publishKeys are the keys of publish.
func publishKeys() []key[Publish] {
	return []key[Publish]{
		scalarKey("keep", "", func(p *Publish) *int { return &p.Keep }, within(integerForm[int](1), "1", "3660")),
		scalarKey("max_drop", "", func(p *Publish) *float64 { return &p.MaxDrop }, shareForm()),
		scalarKey("max_rejects", "", func(p *Publish) *float64 { return &p.MaxRejects }, shareForm()),
	}
}

// readersKeys are the keys of readers.
func readersKeys() []key[Readers] {
	return []key[Readers]{
		scalarKey("group", "bi", func(r *Readers) *string { return &r.Group }, textForm("the name of a group of this machine, such as bi")),
	}
}

// martsKeys are the keys of marts.
func martsKeys() []key[Marts] {
	channel := checkedText("a channel such as CHAT", func(text string) (string, error) {
		if strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
			return "", errors.New("not a channel; want the vendor's own word for it, such as CHAT or WHATSAPP")
		}
		return text, nil
	})
	return []key[Marts]{
		listKey("csat_channels", "", func(m *Marts) *[]string { return &m.CSATChannels }, channel),
		listKey("nps_channels", "", func(m *Marts) *[]string { return &m.NPSChannels }, channel),
	}
}
