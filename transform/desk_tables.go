package transform

import "github.com/apache/arrow/go/v17/arrow"

func deskConversations() Table {
	return Table{
		Schema: "desk", Name: "conversations", Key: []string{"conversation_id"}, Day: "created_date",
		Comment: "Chat conversations of Teamwork Desk, deleted ones included",
		Columns: landed(
			whole(1, "conversation_id", "id", "Identifier of the conversation"),
			whole(2, "ticket_id", "ticket_id", "Ticket that the conversation became"),
			whole(3, "contact_id", "contactId", "Contact on the other side"),
			text(4, "state", "state", "active or deleted"),
			instant(5, "created_at", "createdAt", "When the conversation began"),
			day(6, "created_date", "Business day of created_at"),
			instant(7, "updated_at", "updatedAt", "When the conversation was last changed; a deletion does not count"),
			instant(8, "deleted_at", "deletedAt", "When the conversation was deleted; null while it is not"),
			whole(9, "message_count", "messages", "Messages that came with the conversation; null where none were listed").in("messages"),
			list(10, "user_ids", "users.id", "Agents of the conversation, in the vendor's order", arrow.PrimitiveTypes.Int64),
		),
	}
}
