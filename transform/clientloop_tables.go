package transform

func idvSessions() Table {
	return Table{
		Schema: "clientloop", Name: "idv_sessions", Key: []string{"session_id"}, Day: "requested_date",
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

func idvRequests() Table {
	return Table{
		Schema: "clientloop", Name: "idv_requests", Key: []string{"contact_id"}, Day: "requested_date",
		Comment: "The last request for a session of each contact, and how it ended; one whose outcome is unknown is not repeated by itself",
		Columns: landed(
			text(1, "contact_id", "input.contactId", "Contact that the session was requested for"),
			text(2, "org_id", "input.orgId", "Organisation that the session was requested for"),
			instant(3, "requested_at", "", "When the request was announced, or when what came of it was known"),
			day(4, "requested_date", "Business day of requested_at"),
			text(5, "outcome", "", "session: there is one; unknown: there may be one; none: the vendor surely did not act"),
			text(6, "reason", "", "Why the outcome is unknown or none; null where there is a session"),
			instant(7, "expires_at", "ContactIdvSession.expiresAt", "When the session expires; null where there is none"),
		),
	}
}
