package pipeline_test

import (
	"encoding/json"
	"slices"
	"testing"

	"nightjar/cmd/etl/internal/summary"
)

// The other one has most of the rows: they are no drop of the one that is left, nor
// of one that is new.
func TestAProjectThatIsAddedIsNotADrop(t *testing.T) {
	t.Parallel()
	v := covering(t, 2, 1, shop)
	v.night(0)
	v.names(store)
	expectWindows(t, v.night(aDay), "2026-02-01..2026-02-28", "2026-03-01..2026-04-01")
	v.expectHeld()
	v.names(shop, store)
	v.expectHeldAfter(aDay)
}

// The gate against drops counts the rows of the projects that a window asks for: one
// that brings less of its own is held, however much comes of another's history.
func TestAProjectThatIsMissingIsADrop(t *testing.T) {
	t.Parallel()
	v := covering(t, 2, 1, shop)
	v.night(0)
	v.names(shop, store)
	v.startsOn(1, 5)
	v.pass(aDay)
	v.rewrite(func(vendor string, answer []byte) []byte { return withoutProject(t, vendor, answer, shop) })
	if l := legOf(t, v.attempt(conversationsOnly), "conversations"); l.Status != summary.Held {
		t.Errorf("the night is %s: %s", l.Status, l.Reason)
	}
	v.rewrite(nil)
	v.expectHeldAfter(aDay)
}

// withoutProject leaves the conversations of a project out of an answer.
func withoutProject(t *testing.T, vendor string, answer []byte, project int64) []byte {
	t.Helper()
	var body struct {
		Data struct {
			ClosedConversations struct {
				Edges    []json.RawMessage `json:"edges"`
				PageInfo json.RawMessage   `json:"pageInfo"`
			} `json:"closedConversations"`
		} `json:"data"`
	}
	list := &body.Data.ClosedConversations.Edges
	if vendor != "iadvize" || json.Unmarshal(answer, &body) != nil || *list == nil {
		return answer
	}
	*list = slices.DeleteFunc(*list, func(edge json.RawMessage) bool {
		var of struct {
			Node struct{ Project struct{ ID int64 } }
		}
		return json.Unmarshal(edge, &of) == nil && of.Node.Project.ID == project
	})
	left, err := json.Marshal(body)
	if err != nil {
		t.Error(err)
	}
	return left
}
