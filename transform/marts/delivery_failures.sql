-- Why messages failed, by day. A failed message whose direction is not known
-- counts: nobody is told of the failures of others.
WITH failures AS (
    SELECT sent_date, coalesce(error_code, 'unknown') AS error_code, count(*) AS messages
    FROM volt.messages
    WHERE status = 'failed' AND direction IS DISTINCT FROM 'inbound'
    GROUP BY ALL
)
SELECT
    sent_date,
    error_code,
    messages::BIGINT AS messages,
    (100 * messages / (sum(messages) OVER (PARTITION BY sent_date))::BIGINT)::DOUBLE AS share_pct,
    coalesce(
        timezone(getvariable('timezone')::VARCHAR, (sent_date + 1)::TIMESTAMP)
            + getvariable('messages_settle')::INTERVAL
            <= getvariable('messages_as_of')::TIMESTAMPTZ,
        FALSE
    ) AS is_final
FROM failures
ORDER BY sent_date NULLS LAST, error_code NULLS LAST
