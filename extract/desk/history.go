package desk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"nightjar/extract"
	"nightjar/extract/transport"
)

// histories fetches the messages of every conversation that was listed. One that
// could not be fetched does not end the walk; the window is then incomplete.
func (w *walk) histories(ctx context.Context) error {
	missing := 0
	var last error
	for _, id := range slices.Sorted(maps.Keys(w.ids)) {
		err := w.history(ctx, id)
		switch kind := extract.KindOf(err); {
		case err == nil:
		case kind == "" || kind == extract.Denied:
			return err
		default:
			missing++
			last = err
		}
	}
	if missing > 0 {
		return &extract.IncompleteError{Reason: fmt.Sprintf("the messages of %d of %d conversations are missing, the last because: %v", missing, len(w.ids), last)}
	}
	return nil
}

// history generates a token and yields the messages that it opens.
func (w *walk) history(ctx context.Context, id int64) error {
	token, err := w.token(ctx, id)
	if err != nil {
		return err
	}
	const operation = "GET /conversationmessages/history/{token}.json"
	ctx = transport.Describe(ctx, operation, token)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.stream.cfg.Endpoint+"/conversationmessages/history/"+url.PathEscape(token)+".json", nil)
	if err != nil {
		return w.fail(extract.Garbled, errors.New("the token makes no address"))
	}
	answer, err := w.stream.client.Do(req, nil)
	if err != nil {
		return extract.In(err, Name, w.window.ID, w.pages+1)
	}
	body, err := withoutTokens(answer.Body, token)
	if err != nil {
		return w.fail(extract.Garbled, err)
	}
	query := url.Values{"conversation": {strconv.FormatInt(id, 10)}}
	return w.give(extract.Page{
		Body: body, Total: extract.Unknown,
		Request: request(operation, query, answer),
	})
}

// token asks for a new token. Its page does not land: it holds the token and
// nothing that the list does not hold.
func (w *walk) token(ctx context.Context, id int64) (string, error) {
	ctx = transport.Describe(ctx, "POST /conversations/token.json")
	body := fmt.Appendf(nil, `{"conversation":{"id":%d}}`, id)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.stream.cfg.Endpoint+"/conversations/token.json", bytes.NewReader(body))
	if err != nil {
		return "", errors.New("endpoint is no URL")
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := w.stream.client.Do(req, nil)
	if err != nil {
		return "", extract.In(err, Name, w.window.ID, w.pages+1)
	}
	var given struct {
		Conversation struct {
			Token string `json:"token"`
		} `json:"conversation"`
	}
	if json.Unmarshal(answer.Body, &given) != nil || given.Conversation.Token == "" {
		return "", w.fail(extract.Garbled, errors.New("answer holds no token"))
	}
	return given.Conversation.Token, nil
}

// withoutTokens is the body with every token blanked, and fails where the token
// still stands somewhere.
func withoutTokens(body []byte, token string) ([]byte, error) {
	body, err := blanked(body)
	if err != nil {
		return nil, err
	}
	if bytes.Contains(body, []byte(token)) {
		return nil, errors.New("answer shows the token where none is expected")
	}
	return body, nil
}
