-- Revenue attributed to conversations, by the day of their close. Money is never
-- added across currencies. Distinct conversations are counted in sorted order, each
-- at its first purchase: a sort spills to disk, where count(DISTINCT …) would hold
-- every conversation in memory beside the join.
WITH purchases AS (
    SELECT
        closed_date,
        currency,
        conversation_id,
        amount,
        lag(closed_date) OVER in_order AS previous_date,
        lag(currency) OVER in_order AS previous_currency,
        lag(conversation_id) OVER in_order AS previous_conversation
    FROM iadvize.transactions
    WINDOW in_order AS (ORDER BY conversation_id, closed_date, currency)
),
counted AS (
    SELECT
        closed_date,
        currency,
        conversation_id,
        amount,
        CASE
            WHEN conversation_id IS NULL THEN 0
            WHEN conversation_id = previous_conversation
                AND closed_date IS NOT DISTINCT FROM previous_date
                AND currency IS NOT DISTINCT FROM previous_currency THEN 0
            ELSE 1
        END AS conversations
    FROM purchases
)
SELECT
    p.closed_date,
    c.project_id,
    p.currency,
    CAST(count(*) AS BIGINT) AS transactions,
    CAST(sum(p.conversations) AS BIGINT) AS conversations,
    CAST(sum(p.amount) AS DECIMAL(38, 4)) AS amount,
    coalesce(
        timezone(getvariable('timezone')::VARCHAR, (p.closed_date + 1)::TIMESTAMP)
            + getvariable('revenue_settle')::INTERVAL
            <= getvariable('conversations_as_of')::TIMESTAMPTZ,
        FALSE
    ) AS is_final
FROM counted AS p
LEFT JOIN iadvize.conversations AS c ON p.conversation_id = c.conversation_id
GROUP BY p.closed_date, c.project_id, p.currency
ORDER BY p.closed_date NULLS LAST, c.project_id NULLS LAST, p.currency NULLS LAST
