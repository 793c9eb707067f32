package transform

import "github.com/apache/arrow/go/v17/arrow"

func conversations() Table {
	return Table{
		Schema: "iadvize", Name: "conversations", Key: []string{"conversation_id"}, Day: "closed_date",
		Comment: "Closed conversations between a visitor and an agent or bot, with the answers to the satisfaction survey",
		Columns: landed(
			text(1, "conversation_id", "Conversation.id", "Identifier of the conversation"),
			whole(2, "project_id", "Conversation.project.id", "iAdvize project; where the answer does not say, the one project that was asked for"),
			text(3, "channel", "Conversation.channel", "Channel, such as CHAT or WHATSAPP; an open set"),
			text(4, "language", "Conversation.language", "Language of the conversation"),
			instant(5, "created_at", "Conversation.createdAt", "When the conversation began"),
			instant(6, "closed_at", "Conversation.closedAt", "When the conversation was closed"),
			day(7, "closed_date", "Business day of closed_at").from("Conversation.closedAt"),
			double(8, "duration_seconds", "Conversation.duration", "How long the conversation lasted").in("s"),
			list(9, "tags", "Conversation.tags.name", "Names of the tags, in the vendor's order", arrow.BinaryTypes.String),
			tiny(10, "csat_score", "SatisfactionSurvey.customerSatisfaction", "Customer satisfaction from 1 (worst) to 5 (best); null while unanswered"),
			tiny(11, "nps_score", "SatisfactionSurvey.netPromoterScore", "Willingness to recommend from 0 to 10; null while unanswered"),
			text(12, "survey_comment", "SatisfactionSurvey.comment", "What the visitor wrote in the survey").of(FreeText),
		),
	}
}

func transactions() Table {
	return Table{
		Schema: "iadvize", Name: "transactions", Key: []string{"conversation_id", "transaction_id"}, Parent: "conversation_id", Day: "closed_date",
		Comment: "Purchases attributed to a conversation, up to 48 hours after its close; one that iAdvize cancels leaves",
		Columns: landed(
			text(2, "conversation_id", "Conversation.id", "Conversation that the transaction is attributed to"),
			text(1, "transaction_id", "Transaction.id", "Identifier of the transaction; where the vendor gives none, a hash of its conversation and content, so that a correction gives it another"),
			text(3, "external_conversion_id", "Transaction.externalConversionId", "Identifier of the order at the merchant"),
			decimal(4, "amount", "Transaction.amount", "Amount, exact to four decimals; further ones are rounded half to even", 18).in("currency"),
			text(5, "currency", "Transaction.currency", "Currency as ISO 4217 code"),
			instant(6, "received_at", "Transaction.receivedAt", "When iAdvize received the transaction"),
			day(7, "closed_date", "Business day on which the conversation was closed").from("Conversation.closedAt"),
			whole(8, "project_id", "Conversation.project.id", "iAdvize project of the conversation; where the answer does not say, the one project that was asked for"),
		),
	}
}
