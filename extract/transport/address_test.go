package transport_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"nightjar/extract"
	"nightjar/extract/transport"
)

// A wrong address is found out by one request, and the error has it in full,
// without credentials.
func TestWrongAddressIsNotAskedAgain(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	clear := httptest.NewServer(http.NotFoundHandler())
	defer clear.Close()
	host := func(s *httptest.Server) string { return s.Listener.Addr().String() }
	for _, c := range []struct {
		name, address string
		err           error // of the network; nil: the real one
		kind          extract.Kind
		says          string
	}{
		{"no such host", "https://u:hidden@vendor.test/graphql?key=hidden", &net.DNSError{Err: "no such host", Name: "vendor.test", IsNotFound: true}, extract.Misdirected, "https://vendor.test/graphql: lookup vendor.test: no such host"},
		{"a name server that is resting", "https://vendor.test/graphql", &net.DNSError{Err: "server misbehaving", Name: "vendor.test", IsTemporary: true}, extract.Unreachable, "server misbehaving"},
		{"a certificate of nobody's", "https://" + host(secure) + "/graphql", nil, extract.Misdirected, "https://" + host(secure) + "/graphql: tls: failed to verify certificate"},
		{"http where https is spoken", "http://" + host(secure) + "/graphql", nil, extract.Refused, "status 400: text instead of JSON: \"Client sent an HTTP request to an HTTPS server.\""},
		{"https where http is spoken", "https://" + host(clear) + "/graphql", nil, extract.Misdirected, "/graphql: tls: first record does not look like a TLS handshake"},
		{"a path that leads nowhere", "http://" + host(clear) + "/grahpql?key=hidden", nil, extract.Misdirected, "http://" + host(clear) + "/grahpql: status 404: text instead of JSON: \"404 page not found\""},
		{"words of the other side", "https://vendor.test/", errors.New("malformed HTTP header \"\x1b[2J jane@example.com s3cr3t-token\""), extract.Unreachable, `malformed HTTP header "[2J [e-mail] [redacted]"`},
		{"an address of the network", "https://vendor.test/", &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(203, 0, 113, 10), Port: 443}, Err: errors.New("connection refused")}, extract.Unreachable, "dial tcp 203.0.113.10:443: connection refused"},
		{"a certificate that says too much", "https://vendor.test/", &tls.CertificateVerificationError{Err: fmt.Errorf("valid for \x1b]0;x\a, not vendor.test")}, extract.Misdirected, "valid for ]0;x, not vendor.test"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var sent atomic.Int32
			base := roundTrip(func(req *http.Request) (*http.Response, error) {
				sent.Add(1)
				if c.err != nil {
					return nil, c.err
				}
				return http.DefaultTransport.RoundTrip(req)
			})
			retries := 2
			if c.kind == extract.Unreachable {
				retries = 0
			}
			vendor := client(nil, func(cfg *transport.Config) { cfg.Base, cfg.Retries = base, retries })
			_, err := vendor.GraphQL(t.Context(), c.address, ask)
			if extract.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "hidden") {
				t.Errorf("got kind %q: %v", extract.KindOf(err), err)
			}
			if sent.Load() != 1 {
				t.Errorf("%d requests were sent", sent.Load())
			}
		})
	}
}

// A token in the path of a wrong address is not in the error.
func TestWrongAddressShowsNoToken(t *testing.T) {
	vendor := client(func(w http.ResponseWriter, _ *http.Request) { write(w, 404, "text/html", "no") })
	ctx := transport.Describe(t.Context(), "GET /history/{token}", "pa th/token")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://vendor.test/history/pa%20th%2Ftoken.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = vendor.Do(req, nil)
	if err == nil || !strings.Contains(err.Error(), "https://vendor.test/history/[redacted].json: status 404") {
		t.Error(err)
	}
}
