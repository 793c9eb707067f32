package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Truth is everything that a vendor holds of one kind of record at one reading
// of the clock, whatever the account or project.
type Truth struct {
	Now  time.Time `json:"now"`
	Rows []any     `json:"rows"` // each marshals to the vendor's own field names and values, as they are sent
}

// told is one kind of record that a vendor holds.
type told struct {
	name string // "iadvize/conversations"
	rows func(now time.Time) []any
}

// TruthNames are the kinds of records that Truth knows.
func (s *Sandbox) TruthNames() []string {
	var names []string
	for _, t := range s.truths {
		names = append(names, t.name)
	}
	return names
}

// Truth returns what a vendor holds now.
//
// iadvize/conversations holds the closed ones as closedConversations returns
// them to an interval without end, aircall/calls what call returns. volt/waves
// and volt/messages have the fields of Wave and Message, with account, contact
// and wave cut down to what identifies them. desk/conversations includes the
// deleted. clientloop/sessions are those that were created here, and by whom
// they were asked for; no token.
//
// Faults that garble a value garble it here too; null records that a fault adds
// to a page are no records, and are not here.
func (s *Sandbox) Truth(name string) (Truth, error) {
	now := s.now()
	for _, t := range s.truths {
		if t.name == name {
			return Truth{Now: now, Rows: append([]any{}, t.rows(now)...)}, nil
		}
	}
	return Truth{}, fmt.Errorf("no truth is told of %q, only of %v", name, s.TruthNames())
}

func (s *Sandbox) serveTruth(w http.ResponseWriter, r *http.Request) {
	t, err := s.Truth(r.PathValue("vendor") + "/" + r.PathValue("stream"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	body, err := json.Marshal(t)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeJSON(w, http.StatusOK, body)
}

func (v *iadvize) truth(now time.Time) []any {
	var rows []any
	for _, c := range v.conversations {
		if reached(c.closed, now) {
			rows = append(rows, c.at(now, now))
		}
	}
	return rows
}

func (v *aircall) truth(now time.Time) []any {
	v.mu.Lock()
	n := v.visible(now)
	v.mu.Unlock()
	var rows []any
	for _, c := range v.calls[:n] {
		rows = append(rows, c.at(now))
	}
	return rows
}

type truthAccount struct {
	ID           voltID `json:"id"`
	Name         string `json:"name"`
	PrimaryPhone string `json:"primaryPhone"`
}

type truthRef struct {
	ID voltID `json:"id"`
}

type truthContact struct {
	ID          voltID `json:"id"`
	PhoneNumber string `json:"phoneNumber"`
	Name        string `json:"name"`
}

type truthList struct {
	Name string `json:"name"`
}

type truthWave struct {
	ID                     voltID       `json:"id"`
	ScheduledTime          string       `json:"scheduledTime"`
	Name                   string       `json:"name"`
	Account                truthAccount `json:"account"`
	Organization           truthRef     `json:"organization"`
	Body                   string       `json:"body"`
	Media                  []string     `json:"media"`
	SentBy                 string       `json:"sentBy"`
	Lists                  []truthList  `json:"lists"` // null where the wave names none
	TotalMessages          int32        `json:"totalMessages"`
	TotalMessagesDelivered int32        `json:"totalMessagesDelivered"`
	TotalMessagesFailed    int32        `json:"totalMessagesFailed"`
	Type                   string       `json:"type"`
}

type truthMessage struct {
	ID                voltID       `json:"id"`
	LegacyID          string       `json:"legacyId"`
	Account           truthAccount `json:"account"`
	Organization      truthRef     `json:"organization"`
	ToNumber          string       `json:"toNumber"`
	FromNumber        string       `json:"fromNumber"`
	Status            string       `json:"status"`
	StatusDescription string       `json:"statusDescription"`
	Media             []string     `json:"media"`
	Body              string       `json:"body"`
	SentAt            string       `json:"sentAt"`
	ConfirmedAt       string       `json:"confirmedAt"`
	Wave              *truthRef    `json:"wave"`
	Contact           truthContact `json:"contact"`
	ErrorCode         *string      `json:"errorCode"`
}

func (v *volt) truthWaves(now time.Time) []any {
	var rows []any
	for _, wave := range v.state.waves {
		if !reached(wave.created, now) {
			continue
		}
		view := voltWaveView{v.world, wave, now}
		row := truthWave{
			ID: view.ID(), ScheduledTime: view.ScheduledTime(), Name: view.Name(), Account: wave.account.truth(),
			Organization: truthRef{organization().ID}, Body: view.Body(), Media: view.Media(), SentBy: view.SentBy(),
			TotalMessages: view.TotalMessages(), TotalMessagesDelivered: view.TotalMessagesDelivered(),
			TotalMessagesFailed: view.TotalMessagesFailed(), Type: view.Type(),
		}
		for _, name := range deref(wave.lists) {
			row.Lists = append(row.Lists, truthList{name})
		}
		rows = append(rows, row)
	}
	return rows
}

func (v *volt) truthMessages(now time.Time) []any {
	var rows []any
	for _, m := range v.state.messages {
		if !reached(m.sent, now) {
			break
		}
		view := voltMessage{v.world, m, now}
		row := truthMessage{
			ID: view.ID(), LegacyID: view.LegacyID(), Account: m.contact.account.truth(), Organization: truthRef{organization().ID},
			ToNumber: view.ToNumber(), FromNumber: view.FromNumber(), Status: view.Status(), StatusDescription: view.StatusDescription(),
			Media: view.Media(), Body: view.Body(), SentAt: view.SentAt(), ConfirmedAt: view.ConfirmedAt(),
			Contact: truthContact{textID(m.contact.id), m.contact.phone, m.contact.name}, ErrorCode: view.ErrorCode(),
		}
		if m.wave != nil {
			row.Wave = &truthRef{view.Wave().ID()}
		}
		rows = append(rows, row)
	}
	return rows
}

func (a *voltAccount) truth() truthAccount { return truthAccount{textID(a.id), a.name, a.phone} }
