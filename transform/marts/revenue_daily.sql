-- Revenue attributed to conversations, by the day of their close. Money is never
-- added across currencies.
SELECT
    t.closed_date,
    c.project_id,
    t.currency,
    count(*)::BIGINT AS transactions,
    count(DISTINCT t.conversation_id)::BIGINT AS conversations,
    sum(t.amount)::DECIMAL(38, 4) AS amount
FROM iadvize.transactions AS t
LEFT JOIN iadvize.conversations AS c USING (conversation_id)
GROUP BY t.closed_date, c.project_id, t.currency
ORDER BY t.closed_date NULLS LAST, c.project_id NULLS LAST, t.currency NULLS LAST
