package iadvize_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/extract"
)

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*vendor)
		want   string // "path: what", a breaking one with a bang
	}{
		{"as documented", func(*vendor) {}, ""},
		{"gone", func(v *vendor) { v.without("  language: String", "") }, "Conversation.language: is gone; it is not asked for"},
		{"new", func(v *vendor) { v.without("  language: String", "  language: String mood: Int") }, "Conversation.mood: is new; it is not asked for"},
		{"null", func(v *vendor) { v.without("currency: String!", "currency: String") }, "Transaction.currency: may be null now"},
		{"retyped", func(v *vendor) { v.without("amount: Float!", "amount: String!") }, "Transaction.amount: is String!, documented as Float!"},
		{"no list", func(v *vendor) { v.without("tags: [ConversationTag!]!", "tags: String!") }, "!Conversation.tags: is String!, documented as [ConversationTag!]!"},
		{"no id", func(v *vendor) { v.without("type Conversation {\n  id: UUID!", "type Conversation {\n  uid: UUID!") },
			"!Query.closedConversations: the schema has no closedConversations.edges.node.id; Conversation.id: is gone; it is not asked for; Conversation.uid: is new; it is not asked for"},
		{"no date to file by", func(v *vendor) { v.without("  closedAt: DateTime", "") },
			"!Query.closedConversations: the schema has no closedConversations.edges.node.closedAt; Conversation.closedAt: is gone; it is not asked for"},
		{"transactions without ids", func(v *vendor) { v.without("type Transaction {\n  id: UUID!", "type Transaction {") },
			"Transaction.id: is gone; it is not asked for"},
		{"transactions that nothing tells apart", func(v *vendor) {
			v.without("type Transaction {\n  id: UUID!", "type Transaction {", "  currency: String!   ", "  #")
		}, "!Query.closedConversations: the schema has neither closedConversations.edges.node.conversions.transactions.id nor currency: transactions cannot be told apart; " +
			"Transaction.id: is gone; it is not asked for; Transaction.currency: is gone; it is not asked for"},
		{"no query", func(v *vendor) {
			v.without("  closedConversations(", "  one(", "  searchClosedConversations(", "  two(")
		},
			"!Query: the vendor has neither closedConversations nor searchClosedConversations"},
		{"no introspection", func(v *vendor) { v.blind = true }, "__schema: the vendor does not show its schema; the query is answered"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newVendor(t)
			c.change(v)
			findings, err := v.stream().Check(t.Context())
			var all []string
			for _, f := range findings {
				text := f.Path + ": " + f.What
				if f.Breaking {
					text = "!" + text
				}
				all = append(all, text)
			}
			if got := strings.Join(all, "; "); got != c.want || err != nil {
				t.Errorf("got %s: %v", got, err)
			}
		})
	}
}

// What a check has found out is not found out again by the walk after it.
func TestACheckedVendorIsNotAskedAgain(t *testing.T) {
	for _, blind := range []bool{false, true} {
		v := newVendor(t)
		v.blind = blind
		v.fill(now.Add(-time.Hour), now.Add(-time.Second), time.Minute)
		s := v.stream()
		if _, err := s.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		tried := len(v.asked)
		run(t, s, extract.Ask{Now: now}).whole(t, v, now)
		probes := slices.DeleteFunc(slices.Clone(v.asked[tried:]), func(a asked) bool { return a.to.Sub(a.from) > 2*time.Second })
		if v.looks != 1 || len(probes) > 0 {
			t.Errorf("blind %t: asked %d times for the schema, and again %v", blind, v.looks, probes)
		}
	}
}
