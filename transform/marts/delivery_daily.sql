-- Delivery by day and account: the sums of the waves, and the rates of the sums.
WITH daily AS (
    SELECT
        scheduled_date,
        account_phone,
        count(*) AS waves,
        sum(total_messages) AS total_messages,
        sum(messages_delivered) AS delivered,
        sum(messages_failed) AS failed,
        sum(CASE
            WHEN total_messages - messages_delivered - messages_failed < 0 THEN 0
            ELSE total_messages - messages_delivered - messages_failed
        END) AS pending
    FROM volt.waves
    GROUP BY ALL
)
SELECT
    scheduled_date,
    account_phone,
    waves::BIGINT AS waves,
    total_messages::BIGINT AS total_messages,
    delivered::BIGINT AS delivered,
    failed::BIGINT AS failed,
    pending::BIGINT AS pending,
    (100 * delivered::BIGINT / nullif(total_messages::BIGINT, 0))::DOUBLE AS delivery_rate_pct,
    (100 * delivered::BIGINT / nullif((delivered + failed)::BIGINT, 0))::DOUBLE AS confirmed_rate_pct,
    coalesce(
        timezone(getvariable('timezone')::VARCHAR, (scheduled_date + 1)::TIMESTAMP)
            + getvariable('waves_settle')::INTERVAL
            <= getvariable('waves_as_of')::TIMESTAMPTZ,
        FALSE
    ) AS is_final
FROM daily
ORDER BY scheduled_date NULLS LAST, account_phone NULLS LAST
