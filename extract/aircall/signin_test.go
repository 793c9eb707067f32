package aircall_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"nightjar/extract"
)

// The forms in which the vendor says that a token has expired.
func TestExpiredToken(t *testing.T) {
	tests := []struct {
		name   string
		status int
		code   string
	}{
		{"newer, over 200", 200, `{"code":"UNAUTHENTICATED"}`},
		{"newer, over 401", 401, `{"code":"UNAUTHENTICATED"}`},
		{"older, over 200", 200, `{"code":"INTERNAL_SERVER_ERROR","exception":{"response":{"statusCode":401}}}`},
		{"older, over 401", 401, `{"code":"INTERNAL_SERVER_ERROR","exception":{"response":{"statusCode":401}}}`},
		{"without extensions", 200, `{}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t, 50)
			f.tamper = func(w http.ResponseWriter, n int) bool {
				if n != 3 {
					return false
				}
				w.WriteHeader(test.status)
				fmt.Fprintf(w, `{"errors":[{"message":"Unauthorized","extensions":%s}],"data":null}`, test.code)
				return true
			}
			cfg := config(f)
			cfg.Transport.Concurrency = 1
			pages, err := walk(t, cfg, extract.Ask{})
			complete(t, f, pages, err)
			if f.logins != 1 || f.renewals != 1 || f.auths[0] != "Bearer refresh-1" {
				t.Errorf("%d logins, %d renewals with %q; want one of each, with the refresh token", f.logins, f.renewals, f.auths)
			}
		})
	}
}

// A refresh token that is refused costs one more login.
func TestRefreshRefused(t *testing.T) {
	f := newFake(t, 50)
	f.before = func(f *fake, n int) {
		if n == 2 {
			f.access, f.refresh = "gone", "gone"
		}
	}
	cfg := config(f)
	cfg.Transport.Concurrency = 1
	pages, err := walk(t, cfg, extract.Ask{})
	complete(t, f, pages, err)
	if f.logins != 2 || f.renewals != 0 || len(f.auths) != 1 {
		t.Errorf("%d logins, %d renewals tried, want 2 and 1", f.logins, len(f.auths))
	}
}

func TestWrongPassword(t *testing.T) {
	f := newFake(t, 50)
	cfg := config(f)
	cfg.Password = "hunter2"
	_, err := walk(t, cfg, extract.Ask{})
	if extract.KindOf(err) != extract.Denied || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("err = %v, want denied, without the password", err)
	}
	if !strings.Contains(err.Error(), "aircall calls window sweep page 1") {
		t.Errorf("err = %v, want its place", err)
	}
}
