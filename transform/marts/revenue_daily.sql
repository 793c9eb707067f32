-- Revenue attributed to conversations, by the day of their close. Money is never
-- added across currencies. Distinct conversations are counted in sorted order, each
-- at its first purchase: a sort spills to disk, where count(DISTINCT …) would hold
-- every conversation in memory.
WITH purchases AS (
    SELECT
        closed_date,
        project_id,
        currency,
        conversation_id,
        amount,
        lag(closed_date) OVER in_order AS previous_date,
        lag(project_id) OVER in_order AS previous_project,
        lag(currency) OVER in_order AS previous_currency,
        lag(conversation_id) OVER in_order AS previous_conversation
    FROM iadvize.transactions
    WINDOW in_order AS (ORDER BY conversation_id NULLS LAST, closed_date NULLS LAST, project_id NULLS LAST, currency NULLS LAST)
),
counted AS (
    SELECT
        closed_date,
        project_id,
        currency,
        amount,
        CASE
            WHEN conversation_id IS NULL THEN 0
            WHEN conversation_id = previous_conversation
                AND closed_date IS NOT DISTINCT FROM previous_date
                AND project_id IS NOT DISTINCT FROM previous_project
                AND currency IS NOT DISTINCT FROM previous_currency THEN 0
            ELSE 1
        END AS conversations
    FROM purchases
),
daily AS (
    SELECT
        closed_date,
        project_id,
        currency,
        count(*) AS transactions,
        sum(conversations) AS conversations,
        sum(amount) AS amount
    FROM counted
    GROUP BY closed_date, project_id, currency
)
SELECT
    closed_date,
    project_id,
    currency,
    CAST(transactions AS BIGINT) AS transactions,
    CAST(conversations AS BIGINT) AS conversations,
    CAST(amount AS DECIMAL(38, 4)) AS amount,
    coalesce(closed_date <= (SELECT last_day FROM etl.final_through WHERE records = 'revenue'), FALSE) AS is_final
FROM daily
ORDER BY closed_date NULLS LAST, project_id NULLS LAST, currency NULLS LAST
