package transport_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/go-faster/jx"

	"nightjar/extract/transport"
)

// What is read last is of the answer that the caller gets, whatever was refused
// before it: the data of GraphQL, the whole of REST.
func TestRead(t *testing.T) {
	var read string
	reading := func(d *jx.Decoder) error {
		raw, err := d.Raw()
		read = string(raw)
		return err
	}
	const whole = `{"data":[1],"more":{"errors":2}}`
	for want, ask := range map[string]func(context.Context, *transport.Client) (*transport.Answer, error){
		`[1]`: func(ctx context.Context, vendor *transport.Client) (*transport.Answer, error) {
			return vendor.GraphQL(ctx, endpoint, transport.Query{Operation: "Ask", Text: "query Ask { answer }", Read: reading})
		},
		whole: func(ctx context.Context, vendor *transport.Client) (*transport.Answer, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://vendor.test/a.json", nil)
			if err != nil {
				return nil, err
			}
			return vendor.Do(req, reading)
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			sent := 0
			vendor := client(func(w http.ResponseWriter, _ *http.Request) {
				switch sent++; sent {
				case 1:
					write(w, 500, "application/json", `{"data":[1,2,3]}`)
				case 2:
					write(w, 200, "application/json", `{"data":[1,2],"more":`)
				default:
					write(w, 200, "application/json", whole)
				}
			})
			answer, err := ask(t.Context(), vendor)
			if err != nil || string(answer.Body) != whole || sent != 3 || read != want {
				t.Errorf("%s is read after %d requests, want %s: %v", read, sent, want, err)
			}
		})
	}
}
