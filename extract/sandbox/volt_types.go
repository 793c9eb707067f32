package sandbox

import (
	"fmt"
	"strconv"
	"time"
)

// sqlTime is how Volt writes an instant: UTC, seconds.
const sqlTime = time.DateTime

// voltText writes an instant in the documented form, and in one of the others
// that the field knows under the fault "time-forms".
func (w *world) voltText(at time.Time, form int) string {
	if at.IsZero() {
		return ""
	}
	if w.faults.has("time-forms") {
		switch form % 6 {
		case 1:
			return at.Format(time.RFC3339)
		case 2:
			return at.Format("2006-01-02T15:04:05.000000Z07:00")
		case 3:
			return strconv.FormatInt(at.Unix(), 10)
		case 4:
			return strconv.FormatInt(at.UnixMilli(), 10)
		case 5:
			return at.Format("2006-01-02T15:04:05.000Z07:00")
		}
	}
	return at.Format(sqlTime)
}

// voltID is the scalar ID: text, or a number where the vendor is careless.
type voltID struct {
	text   string
	number bool
}

// ImplementsGraphQLType names the scalar.
func (voltID) ImplementsGraphQLType(name string) bool { return name == "ID" }

// UnmarshalGraphQL reads an argument: text or a number.
func (id *voltID) UnmarshalGraphQL(input any) error {
	switch v := input.(type) {
	case string:
		id.text = v
	case int32:
		id.text = strconv.Itoa(int(v))
	case float64:
		id.text = strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Errorf("%v is no ID", input)
	}
	return nil
}

// MarshalJSON writes the id as it is sent.
func (id voltID) MarshalJSON() ([]byte, error) {
	if id.number {
		return []byte(id.text), nil
	}
	return strconv.AppendQuote(nil, id.text), nil
}

func textID(text string) voltID { return voltID{text: text} }

// The objects of Volt's schema. Those that cost something to fill in are views
// of a timeline at one reading of the clock, and compute a field when it is
// asked for.
type (
	voltPageInfo struct {
		HasNextPage *bool
		EndCursor   *string
	}
	voltConversation struct {
		Messages []*voltMessage
		PageInfo voltPageInfo
	}
	voltInbox struct {
		Account  *voltAccountView
		Items    []*voltInboxItem
		PageInfo voltPageInfo
	}
	voltInboxItem struct {
		Contact         *voltContactView
		LastMessage     *string
		IsUnread        *bool
		LastMessageTime *string
	}
	voltOrganization struct {
		ID            voltID
		CompanyName   string
		Domain        *string
		Size          *string
		Industry      *string
		CreatedAt     string
		LastUpdatedAt string
		IsOnFreeTrial bool
		IsActive      bool
	}
	voltField struct {
		Key   string
		Type  string
		Value *string
	}
	voltListRule struct{ Field, Operator, QueryValue string }
	voltWebhook  struct {
		ID            voltID
		Organization  *voltOrganization
		URL           string
		CreatedAt     string
		LastUpdatedAt string
		PrimaryPhone  *string
		EventTypes    *[]string
	}
)

func organization() *voltOrganization {
	return &voltOrganization{
		ID: textID("org_77"), CompanyName: "Nightjar & Fils", Domain: ptr("nightjar.example"), Industry: ptr("Retail"),
		CreatedAt: "2021-03-01 09:00:00", LastUpdatedAt: "2024-05-17 14:20:11", IsActive: true,
	}
}

// voltAccountView is the type Account.
type voltAccountView struct{ a *voltAccount }

func (v *voltAccountView) ID() voltID                      { return textID(v.a.id) }
func (v *voltAccountView) Organization() *voltOrganization { return organization() }
func (v *voltAccountView) CreatedBy() string               { return "Camille Martin" }
func (v *voltAccountView) Name() string                    { return v.a.name }
func (v *voltAccountView) PrimaryPhone() string            { return v.a.phone }
func (v *voltAccountView) CreatedAt() string               { return "2021-03-01 09:05:00" }
func (v *voltAccountView) LastUpdatedAt() string           { return "2024-05-17 14:20:11" }
func (v *voltAccountView) CallForwardingNumber() *string   { return nil }
func (v *voltAccountView) Location() *string               { return ptr("Europe/Paris") }

// voltContactView is the type Contact.
type voltContactView struct{ c *voltContact }

func (v *voltContactView) ID() voltID                      { return textID(v.c.id) }
func (v *voltContactView) Account() *voltAccountView       { return &voltAccountView{v.c.account} }
func (v *voltContactView) Organization() *voltOrganization { return organization() }
func (v *voltContactView) PhoneNumber() string             { return v.c.phone }
func (v *voltContactView) Name() string                    { return v.c.name }
func (v *voltContactView) MappedNumber() *string           { return nil }
func (v *voltContactView) CustomFields() []voltField       { return []voltField{} }
func (v *voltContactView) CreatedAt() string               { return "2023-01-10 08:00:00" }
func (v *voltContactView) LastUpdatedAt() string           { return "2024-02-01 08:00:00" }
func (v *voltContactView) Lists() []*voltListView          { return []*voltListView{} }
func (v *voltContactView) Blocked() bool                   { return false }

// voltListView is the type List.
type voltListView struct {
	name    string
	account *voltAccount
}

func (v *voltListView) ID() voltID                         { return textID("list_" + v.name) }
func (v *voltListView) CreatedBy() string                  { return "Camille Martin" }
func (v *voltListView) Name() string                       { return v.name }
func (v *voltListView) CreatedAt() string                  { return "2023-01-10 08:00:00" }
func (v *voltListView) LastUpdatedAt() string              { return "2024-02-01 08:00:00" }
func (v *voltListView) Account() *voltAccountView          { return &voltAccountView{v.account} }
func (v *voltListView) Size() int32                        { return int32(100 * len(v.name)) }
func (v *voltListView) QuerySourceListName() *string       { return nil }
func (v *voltListView) QueryNameSearchTerm() *string       { return nil }
func (v *voltListView) QueryCustomFields() *[]voltListRule { return nil }

// voltWaveView is the type Wave at one reading of the clock.
type voltWaveView struct {
	w   *world
	v   *smsWave
	now time.Time
}

func (v *voltWaveView) ID() voltID {
	return voltID{strconv.FormatInt(v.v.id, 10), v.w.faults.has("number-ids") || v.v.dirty && v.v.id%2 == 0}
}

func (v *voltWaveView) ScheduledTime() string {
	if v.v.dirty && v.v.id%2 == 1 {
		return "0000-00-00 00:00:00"
	}
	return v.w.voltText(v.v.scheduled, int(v.v.id))
}

func (v *voltWaveView) Name() string                    { return v.v.name }
func (v *voltWaveView) Account() *voltAccountView       { return &voltAccountView{v.v.account} }
func (v *voltWaveView) Organization() *voltOrganization { return organization() }
func (v *voltWaveView) Body() string                    { return v.v.body }
func (v *voltWaveView) Media() []string                 { return v.v.media }
func (v *voltWaveView) SentBy() string                  { return v.v.sentBy }
func (v *voltWaveView) TotalMessages() int32            { return int32(v.v.total) }
func (v *voltWaveView) TotalMessagesDelivered() int32   { return v.v.count("delivered", v.now) }
func (v *voltWaveView) TotalMessagesFailed() int32      { return v.v.count("failed", v.now) }
func (v *voltWaveView) Type() string                    { return v.v.kind }

func (v *voltWaveView) Lists() *[]*voltListView {
	if v.v.lists == nil {
		return nil
	}
	views := make([]*voltListView, 0, len(*v.v.lists))
	for _, name := range *v.v.lists {
		views = append(views, &voltListView{name, v.v.account})
	}
	return &views
}

// voltMessage is the type Message at one reading of the clock.
type voltMessage struct {
	w   *world
	m   *smsMessage
	now time.Time
}

func (v *voltMessage) ID() voltID {
	return voltID{strconv.FormatInt(v.m.id, 10), v.w.faults.has("number-ids") || v.m.dirty && v.m.form%2 == 0}
}

func (v *voltMessage) LegacyID() string                { return v.m.legacy }
func (v *voltMessage) Account() *voltAccountView       { return &voltAccountView{v.m.contact.account} }
func (v *voltMessage) Organization() *voltOrganization { return organization() }
func (v *voltMessage) Status() string                  { return v.m.current(v.now).status }
func (v *voltMessage) StatusDescription() string       { return v.m.current(v.now).description }
func (v *voltMessage) Body() string                    { return v.m.body }
func (v *voltMessage) ConfirmedAt() string             { return v.w.voltText(v.m.confirmed(v.now), v.m.form) }
func (v *voltMessage) Contact() *voltContactView       { return &voltContactView{v.m.contact} }
func (v *voltMessage) ErrorCode() *string              { return v.m.current(v.now).code }

func (v *voltMessage) ToNumber() string {
	if v.m.inbound {
		return v.m.contact.account.phone
	}
	return v.m.contact.phone
}

func (v *voltMessage) FromNumber() string {
	if v.m.inbound {
		return v.m.contact.phone
	}
	return v.m.contact.account.phone
}

func (v *voltMessage) Media() []string {
	if v.m.wave == nil {
		return []string{}
	}
	return v.m.wave.media
}

func (v *voltMessage) SentAt() string {
	if v.m.dirty && v.m.form%2 == 1 {
		return "not yet"
	}
	return v.w.voltText(v.m.sent, v.m.form)
}

func (v *voltMessage) Wave() *voltWaveView {
	if v.m.wave == nil {
		return nil
	}
	return &voltWaveView{v.w, v.m.wave, v.now}
}
