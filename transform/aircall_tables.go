package transform

func calls() Table {
	return Table{
		Schema: "aircall", Name: "calls", Key: []string{"call_id"}, Day: "created_date",
		Comment: "Telephone calls, inbound and outbound",
		Columns: landed(
			text(1, "call_id", "Call.id", "Identifier of the call"),
			text(2, "direction", "Call.direction", "inbound or outbound; an open set"),
			text(3, "call_type", "Call.call_type", "missed, answered or voicemail; an open set, independent of the direction"),
			text(4, "from_number", "Call.from", "Number of the caller, E.164").of(Phone),
			text(5, "to_number", "Call.to", "Number that was called, E.164").of(Phone),
			text(6, "via_number", "Call.via", "The company's own number that carried the call"),
			double(7, "duration_seconds", "Call.duration", "Length of the call; missed calls carry one too, so it is no talk time").in("s"),
			flag(8, "is_archived", "Call.is_archived", "Whether an agent has archived the call"),
			whole(9, "note_count", "Call.notes", "Number of notes on the call").in("notes"),
			instant(10, "created_at", "Call.created_at", "When the call began"),
			day(11, "created_date", "Business day of created_at").from("Call.created_at"),
		),
	}
}

func callNotes() Table {
	return Table{
		Schema: "aircall", Name: "call_notes", Key: []string{"call_id", "note_id"}, Parent: "call_id",
		Comment: "Notes that agents wrote on calls; one that is deleted leaves",
		Columns: landed(
			text(2, "call_id", "Call.id", "Call that the note is on"),
			text(1, "note_id", "Note.id", "Identifier of the note"),
			whole(3, "position", "Call.notes", "Place among the notes of the call; 0 is the newest"),
			text(4, "content", "Note.content", "Text of the note").of(FreeText),
		),
	}
}
