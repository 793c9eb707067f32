-- Messages by day, account, wave and direction. Whoever looks for the accounts or the
-- waves that messages name finds all of them here, in far fewer rows.
WITH daily AS (
    SELECT
        sent_date,
        account_phone,
        wave_id,
        direction,
        count(*) AS messages,
        count(*) FILTER (WHERE status = 'delivered') AS delivered,
        count(*) FILTER (WHERE status = 'failed') AS failed
    FROM volt.messages
    GROUP BY sent_date, account_phone, wave_id, direction
)
SELECT
    sent_date,
    account_phone,
    wave_id,
    direction,
    CAST(messages AS BIGINT) AS messages,
    CAST(delivered AS BIGINT) AS delivered,
    CAST(failed AS BIGINT) AS failed,
    coalesce(sent_date <= (SELECT last_day FROM etl.final_through WHERE records = 'messages'), FALSE) AS is_final
FROM daily
ORDER BY sent_date NULLS LAST, account_phone NULLS LAST, wave_id NULLS LAST, direction NULLS LAST
