-- Calls by day and the company's own number. Voicemail is not answered. The
-- average is taken over whole microseconds, so that no order of rows changes it.
WITH daily AS (
    SELECT
        created_date,
        via_number,
        count(*) FILTER (WHERE direction = 'inbound') AS inbound,
        count(*) FILTER (WHERE direction = 'inbound' AND call_type = 'answered') AS inbound_answered,
        count(*) FILTER (WHERE direction = 'inbound' AND call_type = 'missed') AS inbound_missed,
        count(*) FILTER (WHERE direction = 'inbound' AND call_type = 'voicemail') AS inbound_voicemail,
        count(*) FILTER (WHERE direction = 'outbound') AS outbound,
        count(*) FILTER (WHERE direction = 'outbound' AND call_type = 'answered') AS outbound_answered,
        sum(CAST(round(duration_seconds * 1000000) AS BIGINT)) FILTER (WHERE call_type = 'answered') AS answered_microseconds,
        count(duration_seconds) FILTER (WHERE call_type = 'answered') AS timed
    FROM aircall.calls
    GROUP BY created_date, via_number
)
SELECT
    created_date,
    via_number,
    CAST(inbound AS BIGINT) AS inbound,
    CAST(inbound_answered AS BIGINT) AS inbound_answered,
    CAST(inbound_missed AS BIGINT) AS inbound_missed,
    CAST(inbound_voicemail AS BIGINT) AS inbound_voicemail,
    CAST(outbound AS BIGINT) AS outbound,
    CAST(outbound_answered AS BIGINT) AS outbound_answered,
    CAST(100 * inbound_answered AS DOUBLE) / nullif(inbound, 0) AS answer_rate_pct,
    CAST(CAST(answered_microseconds AS DOUBLE) / nullif(timed, 0) AS DOUBLE) / 1000000 AS avg_answered_seconds,
    coalesce(created_date <= (SELECT last_day FROM etl.final_through WHERE records = 'calls'), FALSE) AS is_final
FROM daily
ORDER BY created_date NULLS LAST, via_number NULLS LAST
