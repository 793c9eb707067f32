package sandbox

import (
	"fmt"
	"time"

	"github.com/graph-gophers/graphql-go"
)

// The objects of iAdvize's schema: what GraphQL serves and the truth tells.
type (
	iaConversation struct {
		ID                 uuidText       `json:"id"`
		CreatedAt          dateTime       `json:"createdAt"`
		ClosedAt           *dateTime      `json:"closedAt"`
		Channel            string         `json:"channel"`
		Duration           *string        `json:"duration"`
		Tags               []iaTag        `json:"tags"`
		Project            *iaProject     `json:"project"`
		Language           *string        `json:"language"`
		SatisfactionSurvey *iaSurvey      `json:"satisfactionSurvey"`
		Conversions        *iaConversions `json:"conversions"`
		Users              *[]iaUser      `json:"users"`
	}
	iaTag struct {
		ID   graphql.ID `json:"id"`
		Name string     `json:"name"`
	}
	iaProject struct {
		ID   int32  `json:"id"`
		Name string `json:"name"`
	}
	iaUser struct {
		ID int32 `json:"id"`
	}
	iaSurvey struct {
		CustomerSatisfaction *int32  `json:"customerSatisfaction"`
		NetPromoterScore     *int32  `json:"netPromoterScore"`
		Comment              *string `json:"comment"`
	}
	iaConversions struct {
		Transactions *[]iaTransaction `json:"transactions"`
	}
	iaTransaction struct {
		ID                   uuidText `json:"id"`
		ExternalConversionID string   `json:"externalConversionId"`
		Amount               float64  `json:"amount"`
		Currency             string   `json:"currency"`
		ReceivedAt           dateTime `json:"receivedAt"`
		VisitorDate          dateTime `json:"visitorDate"`
		CreatedAt            dateTime `json:"createdAt"`
		UpdatedAt            dateTime `json:"updatedAt"`
	}

	iaPageInfo struct {
		StartCursor     *string
		EndCursor       *string
		HasPreviousPage bool
		HasNextPage     bool
	}
	iaConnection struct {
		Edges    []iaEdge
		PageInfo iaPageInfo
	}
	iaEdge struct {
		Node   *iaConversation
		Cursor *string
	}
	iaSearchConnection struct {
		Edges    []iaSearchEdge
		PageInfo iaPageInfo
	}
	iaSearchEdge struct {
		Node   iaSearchResult
		Cursor *string
	}
	iaSearchResult struct {
		Conversation       *iaConversation
		SatisfactionSurvey *iaSurvey
		Conversions        *iaConversions
	}
	iaProjectConnection struct {
		Edges    []iaProjectEdge
		PageInfo iaPageInfo
	}
	iaProjectEdge struct {
		Node   *iaProject
		Cursor *string
	}
)

// uuidText is the scalar UUID.
type uuidText string

// ImplementsGraphQLType names the scalar.
func (uuidText) ImplementsGraphQLType(name string) bool { return name == "UUID" }

// UnmarshalGraphQL reads an argument.
func (u *uuidText) UnmarshalGraphQL(input any) error {
	text, ok := input.(string)
	if !ok || len(text) != 36 {
		return fmt.Errorf("%v is no UUID", input)
	}
	*u = uuidText(text)
	return nil
}

// dateTime is the scalar DateTime: ISO 8601, written in UTC, read with any
// offset.
type dateTime string

// ImplementsGraphQLType names the scalar.
func (dateTime) ImplementsGraphQLType(name string) bool { return name == "DateTime" }

// UnmarshalGraphQL reads an argument.
func (t *dateTime) UnmarshalGraphQL(input any) error {
	text, ok := input.(string)
	if !ok {
		return fmt.Errorf("%v is no DateTime", input)
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return fmt.Errorf("%q is no DateTime", text)
	}
	*t = dateTime(at.UTC().Format(time.RFC3339Nano))
	return nil
}

// time returns the instant of an argument that was read.
func (t dateTime) time() time.Time {
	at, _ := time.Parse(time.RFC3339Nano, string(t))
	return at
}
