package sandbox

import "github.com/graph-gophers/graphql-go"

// Volt's writes: an exporter makes none, and the sandbox refuses them.

type voltFieldInput struct {
	Key   string
	Type  *string
	Value *string
}

type voltListQuery struct {
	ListName            string
	QuerySourceListName *string
	QueryNameSearchTerm *string
	QueryCustomFields   *[]voltListRule
}

// AddContactsToList is refused.
func (q *voltRoot) AddContactsToList(args struct {
	PrimaryPhone, ListName string
	PhoneNumbers           []string
}) (*voltListView, error) {
	return nil, readOnly()
}

// CreateMessage is refused.
func (q *voltRoot) CreateMessage(args struct {
	To, From, Body string
	Media          *[]string
	Passthrough    *string
}) (*voltMessage, error) {
	return nil, readOnly()
}

// CreateOrUpdateContact is refused.
func (q *voltRoot) CreateOrUpdateContact(args struct {
	Name, PhoneNumber, AccountPhone string
	CustomFields                    []*voltFieldInput
	Blocked                         bool
}) (*voltContactView, error) {
	return nil, readOnly()
}

// CreateOrUpdateList is refused.
func (q *voltRoot) CreateOrUpdateList(args struct {
	PrimaryPhone string
	ListQuery    voltListQuery
}) (*voltListView, error) {
	return nil, readOnly()
}

// DeleteWebhook is refused.
func (q *voltRoot) DeleteWebhook(args struct{ ID graphql.ID }) (*voltWebhook, error) {
	return nil, readOnly()
}

// RegisterWebhook is refused.
func (q *voltRoot) RegisterWebhook(args struct {
	URL          string
	PrimaryPhone *string
	EventTypes   *[]*string
}) (*voltWebhook, error) {
	return nil, readOnly()
}

// ScheduleMessage is refused.
func (q *voltRoot) ScheduleMessage(args struct {
	PrimaryPhone string
	Message      struct {
		ScheduledTime, MessageBody string
		ContactNumbers             []string
		Media                      *[]string
	}
}) (*voltWaveView, error) {
	return nil, readOnly()
}

// ScheduleWave is refused.
func (q *voltRoot) ScheduleWave(args struct {
	Type         string
	PrimaryPhone *string
	Status       string
	Wave         struct {
		WaveName, ScheduledTime, MessageBody string
		ListNames                            []string
		Media                                *[]*string
	}
}) (*voltWaveView, error) {
	return nil, readOnly()
}
