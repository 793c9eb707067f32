package sandbox

import (
	"fmt"
	"strings"
)

// schemaFaults are the faults of the schema: what introspection shows and what
// execution answers change together. None touches a record's key.
func schemaFaults() []behaviour {
	return []behaviour{
		{"drift-gone", "one field of each vendor's records is gone from its schema: language, via, sentBy, statusDescription"},
		{"drift-nested", "lists and objects within records are gone: survey, conversions and names of tags of iadvize, notes of aircall, account and lists of volt"},
		{"drift-new", "each vendor's records have a field more, and Volt's waves a new enum value to be made with"},
		{"drift-null", "edges of iadvize, calls of aircall, lists and messages of volt may be null by the schema"},
		{"drift-renamed", "the fields that drift-gone takes away have another name: locale, line, author, description"},
		{"drift-retyped", "channel of iadvize, direction of aircall, type of volt's waves and status of its messages are enums"},
	}
}

// change is a replacement in a vendor's SDL.
type change struct{ old, new string }

// schemaChanges are the changes of each fault by vendor.
func schemaChanges(fault, vendor string) []change {
	return map[string]map[string][]change{
		"drift-gone": {
			"iadvize": {{"  language: String  ", "  #"}},
			"aircall": {{"  via: String!  ", "  #"}},
			"volt":    {{"  sentBy: String!\n", ""}, {"  statusDescription: String!\n", ""}},
		},
		"drift-renamed": {
			"iadvize": {{"  language: String  ", "  locale: String  "}},
			"aircall": {{"  via: String!  ", "  line: String!  "}},
			"volt":    {{"  sentBy: String!\n", "  author: String!\n"}, {"  statusDescription: String!\n", "  description: String!\n"}},
		},
		"drift-nested": {
			"iadvize": {
				{"  satisfactionSurvey: SatisfactionSurvey       #", "  #"}, {"  satisfactionSurvey: SatisfactionSurvey\n", ""},
				{"  conversions: Conversions\n}", "}"}, {"  conversions: Conversions\n", ""},
				{"type ConversationTag { id: ID! name: String! }", "type ConversationTag { id: ID! }"},
			},
			"aircall": {{"  notes: [Note!]!  ", "  #"}},
			"volt": {
				{"  account: Account\n  organization: Organization\n  toNumber", "  organization: Organization\n  toNumber"},
				{"  account: Account\n  organization: Organization\n  body", "  organization: Organization\n  body"}, {"  lists: [List!]\n", ""},
			},
		},
		"drift-new": {
			"iadvize":    {{"  language: String  ", "  locale: String\n  language: String  "}},
			"aircall":    {{"  via: String!  ", "  line: String!\n  via: String!  "}},
			"volt":       {{"  sentBy: String!\n", "  sentBy: String!\n  author: String!\n"}, {"enum WaveType { account group }", "enum WaveType { account group segment }"}},
			"clientloop": {{"{ token: String! expiresAt: DateTime! }", "{ token: String! expiresAt: DateTime! provider: String! }"}},
		},
		"drift-null": {
			"iadvize": {{"node: Conversation! cursor", "node: Conversation cursor"}, {"  conversation: Conversation!\n", "  conversation: Conversation\n"}},
			"aircall": {{"nodes: [Call!] ", "nodes: [Call] "}},
			"volt":    {{"messages: [Message!]!", "messages: [Message]!"}, {"  lists: [List!]\n", "  lists: [List]\n"}},
		},
		"drift-retyped": {
			"iadvize": {
				{"  channel: String!", "  channel: Channel!"},
				{"type ConversationTag ", "enum Channel { APPLE_BUSINESS_CHAT CALL CHAT FACEBOOK FACEBOOK_BUSINESS_ON_MESSENGER GOOGLE_BUSINESS_MESSAGES INSTAGRAM MOBILE_APP SMS TWITTER VIDEO WHATSAPP }\ntype ConversationTag "},
			},
			"aircall": {{"  direction: String!", "  direction: Direction!"}, {"type Note ", "enum Direction { inbound outbound }\ntype Note "}},
			"volt": {
				{"  status: String!", "  status: Status!"}, {"  type: String!              # contact", "  type: WaveKind!            # contact"},
				{"enum NewWaveStatus ", "enum Status { failed sending sent delivered received }\nenum WaveKind { contact account group }\nenum NewWaveStatus "},
			},
		},
	}[fault][vendor]
}

// drifted is the vendor's SDL with the faults of the schema that are switched on.
func (f faultSet) drifted(vendor, sdl string) (string, error) {
	for _, fault := range schemaFaults() {
		if !f.has(fault.name) {
			continue
		}
		for _, c := range schemaChanges(fault.name, vendor) {
			if !strings.Contains(sdl, c.old) {
				return "", fmt.Errorf("fault %s cannot be combined: the schema of %s has no %q", fault.name, vendor, c.old)
			}
			sdl = strings.Replace(sdl, c.old, c.new, 1)
		}
	}
	return sdl, nil
}

// The other names under which a field may be asked for.

// Locale is the language.
func (c *iaConversation) Locale() *string { return c.Language }

// Line is the number that was called or that called.
func (c *acCall) Line() string { return c.Via }

// Author is the sender.
func (v *voltWaveView) Author() string { return v.SentBy() }

// Description is that of the status.
func (v *voltMessage) Description() string { return v.StatusDescription() }

// Provider is who verifies.
func (a *loopAnswer) Provider() string { return "plaid" }
