package transform

func tickets() Table {
	return Table{
		Schema: "sixth", Name: "tickets", Key: []string{"id"},
		Comment: "Tickets of an imaginary vendor",
		Columns: landed(
			whole(1, "id", "id", "Identifier of the ticket"),
			instant(2, "opened_at", "openedAt", "When the ticket was opened"),
			day(3, "opened_date", "Business day of opened_at"),
			text(4, "subject", "subject", "What the customer wrote").of(FreeText),
		),
	}
}
