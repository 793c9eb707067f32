package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"regexp"
	"strings"

	"github.com/graph-gophers/graphql-go"

	"nightjar/testdata"
)

// maxRequest is the most bytes of a GraphQL request that a vendor reads.
const maxRequest = 4 << 20

// dialect is how a vendor answers what is no question.
type dialect struct {
	// wrong are the extensions of a syntax or validation error, sent with status 400.
	wrong map[string]any
	// mediaType is whether a request that is not application/json is refused
	// with status 415.
	mediaType bool
	// shape, where not nil, takes out of the schema what the server does not offer.
	shape func(sdl string) string
}

// coded is the dialect of those who send a code with their errors.
var coded = dialect{wrong: map[string]any{"code": "GRAPHQL_VALIDATION_FAILED"}}

// endpoint serves one vendor's schema.
type endpoint struct {
	schema  *graphql.Schema
	dialect dialect
	secret  bool // introspection is refused
}

// introspection finds the fields that ask for the schema.
var introspection = regexp.MustCompile(`\b__(schema|type)\b`)

// asked is one GraphQL request.
type asked struct {
	Query         string         `json:"query"`
	OperationName string         `json:"operationName"`
	Variables     map[string]any `json:"variables"`
}

// newEndpoint serves the contract of a vendor, with what has drifted.
func newEndpoint(w *world, vendor string, resolver any, d dialect) (*endpoint, error) {
	contract, err := testdata.Contracts.ReadFile("contracts/" + vendor + ".graphql")
	if err != nil {
		return nil, fmt.Errorf("read the contract of %s: %w", vendor, err)
	}
	sdl, err := w.faults.drifted(vendor, string(contract))
	if err != nil {
		return nil, err
	}
	if d.shape != nil {
		sdl = d.shape(sdl)
	}
	schema, err := graphql.ParseSchema(sdl, resolver, graphql.UseFieldResolvers(), graphql.DisableFieldSelections())
	if err != nil {
		return nil, fmt.Errorf("parse the schema: %w", err)
	}
	return &endpoint{schema: schema, dialect: d, secret: w.faults.has("no-introspection")}, nil
}

// read takes the request apart. It answers by itself, and returns false, where
// there is nothing to execute.
func (e *endpoint) read(w http.ResponseWriter, r *http.Request) (asked, bool) {
	var q asked
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		e.refuse(w, http.StatusMethodNotAllowed, "only POST is supported", e.dialect.wrong)
		return q, false
	}
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); e.dialect.mediaType && media != "application/json" {
		e.refuse(w, http.StatusUnsupportedMediaType, "the content type must be application/json", e.dialect.wrong)
		return q, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err == nil {
		err = json.Unmarshal(body, &q)
	}
	if err == nil && strings.TrimSpace(q.Query) == "" {
		err = fmt.Errorf("no query")
	}
	if err != nil {
		e.refuse(w, http.StatusBadRequest, "the body is no GraphQL request: "+err.Error(), e.dialect.wrong)
		return q, false
	}
	if e.secret && introspection.MatchString(q.Query) {
		e.refuse(w, http.StatusBadRequest, "GraphQL introspection is not allowed, but the query contained __schema or __type", e.dialect.wrong)
		return q, false
	}
	return q, true
}

// answer executes the request and writes what comes of it. Status, where not
// nil, chooses the status of an answer with errors.
func (e *endpoint) answer(ctx context.Context, w http.ResponseWriter, q asked, status func(*graphql.Response) int) {
	resp := e.schema.Exec(ctx, q.Query, q.OperationName, q.Variables)
	code := http.StatusOK
	if len(resp.Errors) > 0 && resp.Data == nil {
		code = http.StatusBadRequest
		for _, err := range resp.Errors {
			if err.Extensions == nil {
				err.Extensions = maps.Clone(e.dialect.wrong)
			}
		}
	}
	if status != nil && len(resp.Errors) > 0 {
		if s := status(resp); s != 0 {
			code = s
		}
	}
	if resp.Data == nil {
		resp.Data = json.RawMessage("null")
	}
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(resp); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeJSON(w, code, body.Bytes())
}

// refuse writes an answer that holds one error and no data.
func (e *endpoint) refuse(w http.ResponseWriter, status int, message string, extensions map[string]any) {
	body, _ := json.Marshal(map[string]any{
		"data":   nil,
		"errors": []map[string]any{{"message": message, "extensions": extensions}},
	})
	writeJSON(w, status, body)
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has gone: nobody is left to tell
}

// vendorError is a field error with the vendor's extensions.
type vendorError struct {
	message    string
	extensions map[string]any
}

func (e *vendorError) Error() string { return e.message }

// Extensions is what the answer says beside the message.
func (e *vendorError) Extensions() map[string]any { return e.extensions }

// bearer returns the token of the Authorization header, "" if there is none.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// statusOf returns the HTTP status that the first error's "status" extension
// asks for, and zero where there is none.
func statusOf(resp *graphql.Response) int {
	code, _ := resp.Errors[0].Extensions["status"].(int)
	return code
}
