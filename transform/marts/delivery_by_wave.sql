-- Delivery of each wave, from the vendor's counters. A receipt that came before
-- its message was counted must not make pending negative.
SELECT
    wave_id,
    name,
    type,
    account_phone,
    scheduled_date,
    total_messages::BIGINT AS total_messages,
    messages_delivered::BIGINT AS delivered,
    messages_failed::BIGINT AS failed,
    CASE
        WHEN total_messages - messages_delivered - messages_failed < 0 THEN 0
        ELSE total_messages - messages_delivered - messages_failed
    END::BIGINT AS pending,
    (100 * messages_delivered / nullif(total_messages, 0))::DOUBLE AS delivery_rate_pct,
    (100 * messages_delivered / nullif(messages_delivered + messages_failed, 0))::DOUBLE AS confirmed_rate_pct,
    coalesce(
        timezone(getvariable('timezone')::VARCHAR, (scheduled_date + 1)::TIMESTAMP)
            + getvariable('waves_settle')::INTERVAL
            <= getvariable('waves_as_of')::TIMESTAMPTZ,
        FALSE
    ) AS is_final
FROM volt.waves
ORDER BY wave_id NULLS LAST
