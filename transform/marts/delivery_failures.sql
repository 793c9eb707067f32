-- Why messages failed, by day. A failed message whose direction is not known
-- counts: nobody is told of the failures of others.
WITH failures AS (
    SELECT sent_date, coalesce(error_code, 'unknown') AS error_code, count(*) AS messages
    FROM volt.messages
    WHERE status = 'failed' AND direction IS DISTINCT FROM 'inbound'
    GROUP BY sent_date, coalesce(error_code, 'unknown')
)
SELECT
    sent_date,
    error_code,
    CAST(messages AS BIGINT) AS messages,
    CAST(100 * messages AS DOUBLE) / CAST(sum(messages) OVER (PARTITION BY sent_date) AS BIGINT) AS share_pct,
    coalesce(sent_date <= (SELECT last_day FROM etl.final_through WHERE records = 'messages'), FALSE) AS is_final
FROM failures
ORDER BY sent_date NULLS LAST, error_code NULLS LAST
