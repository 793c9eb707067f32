-- What a night has brought, into the tables and files that DuckDB made. A merge
-- changes the table; a Parquet file cannot be changed, and is written again.
SET preserve_insertion_order = false;
CREATE TEMP TABLE nodes AS SELECT unnest(data.closedConversations.edges).node AS n FROM read_json('{pages}/*.json', columns = {
	data: 'STRUCT(closedConversations STRUCT(edges STRUCT(node STRUCT(id VARCHAR, createdAt TIMESTAMPTZ, closedAt TIMESTAMPTZ, channel VARCHAR,
		duration VARCHAR, "language" VARCHAR, tags STRUCT("name" VARCHAR)[], project STRUCT(id BIGINT),
		satisfactionSurvey STRUCT(customerSatisfaction TINYINT, netPromoterScore TINYINT, "comment" VARCHAR),
		conversions STRUCT(transactions STRUCT(id VARCHAR, externalConversionId VARCHAR, amount DECIMAL(18,4), currency VARCHAR, receivedAt TIMESTAMPTZ)[])))[]))'});
BEGIN;
MERGE INTO conversations USING (
	SELECT n.id AS conversation_id, n.project.id AS project_id, n.channel, n."language", n.createdAt AS created_at,
		n.closedAt AS closed_at, n.closedAt::DATE AS closed_date, n.duration, list_transform(n.tags, lambda t: t.name) AS tags,
		n.satisfactionSurvey.customerSatisfaction AS csat_score, n.satisfactionSurvey.netPromoterScore AS nps_score,
		n.satisfactionSurvey.comment AS survey_comment FROM nodes
) AS news USING (conversation_id) WHEN MATCHED THEN UPDATE WHEN NOT MATCHED THEN INSERT BY NAME;
MERGE INTO transactions USING (
	SELECT t.id AS transaction_id, conversation_id, t.externalConversionId AS external_conversion_id, t.amount,
		t.currency, t.receivedAt AS received_at, closed_date
	FROM (SELECT n.id AS conversation_id, n.closedAt::DATE AS closed_date, unnest(n.conversions.transactions) AS t FROM nodes)
) AS news USING (transaction_id) WHEN MATCHED THEN UPDATE WHEN NOT MATCHED THEN INSERT BY NAME;
COMMIT;
COPY conversations TO 'conversations.parquet' (FORMAT parquet, COMPRESSION zstd);
COPY transactions TO 'transactions.parquet' (FORMAT parquet, COMPRESSION zstd);
