-- Delivery of each wave, from the vendor's counters. A receipt that came before
-- its message was counted must not make pending negative.
SELECT
    wave_id,
    name,
    type,
    account_phone,
    scheduled_date,
    CAST(total_messages AS BIGINT) AS total_messages,
    CAST(messages_delivered AS BIGINT) AS delivered,
    CAST(messages_failed AS BIGINT) AS failed,
    CAST(CASE
        WHEN total_messages - messages_delivered - messages_failed < 0 THEN 0
        ELSE total_messages - messages_delivered - messages_failed
    END AS BIGINT) AS pending,
    CAST(100 * messages_delivered AS DOUBLE) / nullif(total_messages, 0) AS delivery_rate_pct,
    CAST(100 * messages_delivered AS DOUBLE) / nullif(messages_delivered + messages_failed, 0) AS confirmed_rate_pct,
    coalesce(scheduled_date <= (SELECT last_day FROM etl.final_through WHERE records = 'waves'), FALSE) AS is_final
FROM volt.waves
ORDER BY wave_id NULLS LAST
