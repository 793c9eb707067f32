-- Calls by day and the company's own number. Voicemail is not answered. The
-- average is taken over whole microseconds, so that no order of rows changes it.
WITH daily AS (
    SELECT
        created_date,
        via_number,
        count(*) FILTER (direction = 'inbound') AS inbound,
        count(*) FILTER (direction = 'inbound' AND call_type = 'answered') AS inbound_answered,
        count(*) FILTER (direction = 'inbound' AND call_type = 'missed') AS inbound_missed,
        count(*) FILTER (direction = 'inbound' AND call_type = 'voicemail') AS inbound_voicemail,
        count(*) FILTER (direction = 'outbound') AS outbound,
        count(*) FILTER (direction = 'outbound' AND call_type = 'answered') AS outbound_answered,
        sum(round(duration_seconds * 1000000)::BIGINT) FILTER (call_type = 'answered') AS answered_microseconds,
        count(duration_seconds) FILTER (call_type = 'answered') AS timed
    FROM aircall.calls
    GROUP BY ALL
)
SELECT
    created_date,
    via_number,
    inbound::BIGINT AS inbound,
    inbound_answered::BIGINT AS inbound_answered,
    inbound_missed::BIGINT AS inbound_missed,
    inbound_voicemail::BIGINT AS inbound_voicemail,
    outbound::BIGINT AS outbound,
    outbound_answered::BIGINT AS outbound_answered,
    (100 * inbound_answered / nullif(inbound, 0))::DOUBLE AS answer_rate_pct,
    (answered_microseconds::DOUBLE / nullif(timed, 0) / 1000000)::DOUBLE AS avg_answered_seconds,
    coalesce(
        timezone(getvariable('timezone')::VARCHAR, (created_date + 1)::TIMESTAMP)
            + getvariable('calls_settle')::INTERVAL
            <= getvariable('calls_as_of')::TIMESTAMPTZ,
        FALSE
    ) AS is_final
FROM daily
ORDER BY created_date NULLS LAST, via_number NULLS LAST
