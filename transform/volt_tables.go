package transform

import "github.com/apache/arrow/go/v17/arrow"

func waves() Table {
	return Table{
		Schema: "volt", Name: "waves", Key: []string{"wave_id"}, Day: "scheduled_date",
		Comment: "SMS waves, one message sent to many contacts, with the counters of their delivery",
		Columns: landed(
			whole(1, "wave_id", "Wave.id", "Identifier of the wave"),
			text(2, "name", "Wave.name", "Name of the wave"),
			text(3, "type", "Wave.type", "contact, account or group; an open set"),
			instant(4, "scheduled_at", "Wave.scheduledTime", "When the wave is sent or was"),
			day(5, "scheduled_date", "Business day of scheduled_at").from("Wave.scheduledTime"),
			text(6, "account_id", "Wave.account.id", "Account that sends the wave"),
			text(7, "account_name", "Wave.account.name", "Name of the account"),
			text(8, "account_phone", "Wave.account.primaryPhone", "The company's own number that sends the wave"),
			text(9, "organization_id", "Wave.organization.id", "Organisation that the wave belongs to"),
			text(10, "sent_by", "Wave.sentBy", "Who sent the wave").of(PersonName),
			text(11, "body", "Wave.body", "Text of the message").of(FreeText),
			list(12, "media", "Wave.media", "Addresses of the media sent along", arrow.BinaryTypes.String),
			list(13, "lists", "Wave.lists.name", "Names of the contact lists that the wave went to", arrow.BinaryTypes.String),
			whole(14, "total_messages", "Wave.totalMessages", "Messages of the wave").in("messages"),
			whole(15, "messages_delivered", "Wave.totalMessagesDelivered", "Messages that the carrier confirmed as delivered").in("messages"),
			whole(16, "messages_failed", "Wave.totalMessagesFailed", "Messages that failed").in("messages"),
		),
	}
}

func messages() Table {
	return Table{
		Schema: "volt", Name: "messages", Key: []string{"message_id"}, Day: "sent_date",
		Comment: "SMS messages, sent and received",
		Columns: landed(
			whole(1, "message_id", "Message.id", "Identifier of the message"),
			text(2, "legacy_id", "Message.legacyId", "Identifier that the telecom provider gave"),
			whole(3, "wave_id", "Message.wave.id", "Wave that the message belongs to; null outside a wave"),
			text(4, "contact_id", "Message.contact.id", "Contact on the other side"),
			text(5, "account_phone", "Message.account.primaryPhone", "The company's own number; where the answer does not say, the one that was asked for").
				from("Message.account.primaryPhone", "Message.fromNumber", "Message.toNumber"),
			text(6, "from_number", "Message.fromNumber", "Number of the sender, E.164").of(Phone),
			text(7, "to_number", "Message.toNumber", "Number of the receiver, E.164").of(Phone),
			text(8, "direction", "", "outbound if the account sent the message, inbound if it received it").
				from("Message.account.primaryPhone", "Message.fromNumber", "Message.toNumber"),
			text(9, "status", "Message.status", "failed, sending, sent or delivered"),
			text(10, "status_description", "Message.statusDescription", "The status in the provider's words"),
			text(11, "error_code", "Message.errorCode", "The carrier's code where the message failed"),
			text(12, "body", "Message.body", "Text of the message").of(FreeText),
			instant(13, "sent_at", "Message.sentAt", "When the message was handed to the provider"),
			day(14, "sent_date", "Business day of sent_at").from("Message.sentAt"),
			instant(15, "confirmed_at", "Message.confirmedAt", "When the provider confirmed the status"),
		),
	}
}
