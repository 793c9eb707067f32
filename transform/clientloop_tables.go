package transform

func idvSessions() Table {
	return Table{
		Schema: "clientloop", Name: "idv_sessions", Key: []string{"session_id"},
		Comment: "Identity-verification sessions that were requested; the session token itself is nowhere",
		Columns: landed(
			text(1, "session_id", "ContactIdvSession.token", "Keyed hash of the session's token"),
			text(2, "org_id", "input.orgId", "Organisation that the session was requested for"),
			text(3, "contact_id", "input.contactId", "Contact to be verified; null for a new contact"),
			instant(4, "requested_at", "", "When the session was made: the time of the answer"),
			day(5, "requested_date", "Business day of requested_at"),
			instant(6, "expires_at", "ContactIdvSession.expiresAt", "When the session expires"),
		),
	}
}
