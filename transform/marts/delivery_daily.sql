-- Delivery by day and account: the sums of the waves, and the rates of the sums.
WITH daily AS (
    SELECT
        scheduled_date,
        account_phone,
        count(*) AS waves,
        CAST(sum(total_messages) AS BIGINT) AS total_messages,
        CAST(sum(messages_delivered) AS BIGINT) AS delivered,
        CAST(sum(messages_failed) AS BIGINT) AS failed,
        CAST(sum(CASE
            WHEN total_messages - messages_delivered - messages_failed < 0 THEN 0
            ELSE total_messages - messages_delivered - messages_failed
        END) AS BIGINT) AS pending
    FROM volt.waves
    GROUP BY scheduled_date, account_phone
)
SELECT
    scheduled_date,
    account_phone,
    CAST(waves AS BIGINT) AS waves,
    total_messages,
    delivered,
    failed,
    pending,
    CAST(100 * delivered AS DOUBLE) / nullif(total_messages, 0) AS delivery_rate_pct,
    CAST(100 * delivered AS DOUBLE) / nullif(delivered + failed, 0) AS confirmed_rate_pct,
    coalesce(scheduled_date <= (SELECT last_day FROM etl.final_through WHERE records = 'waves'), FALSE) AS is_final
FROM daily
ORDER BY scheduled_date NULLS LAST, account_phone NULLS LAST
