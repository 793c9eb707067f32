-- Satisfaction by day, project and channel. An answer counts wherever it was
-- given; the response rate looks only at the channels where the question is asked.
-- The interval is the 95 % Wilson score interval.
WITH daily AS (
    SELECT
        closed_date,
        project_id,
        channel,
        count(*) AS conversations,
        count(csat_score) AS answers,
        count(*) FILTER (csat_score >= 4) AS satisfied,
        sum(csat_score) AS points
    FROM iadvize.conversations
    GROUP BY ALL
),
shares AS (
    SELECT
        *,
        coalesce(list_contains(getvariable('csat_channels')::VARCHAR[], channel), FALSE) AS asked,
        satisfied / nullif(answers, 0) AS p,
        nullif(answers, 0)::DOUBLE AS n,
        1.959963984540054 AS z
    FROM daily
),
intervals AS (
    SELECT
        *,
        (p + z * z / (2 * n)) / (1 + z * z / n) AS centre,
        z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n) AS half
    FROM shares
)
SELECT
    closed_date,
    project_id,
    channel,
    conversations::BIGINT AS conversations,
    CASE WHEN asked THEN conversations ELSE 0 END::BIGINT AS eligible,
    answers::BIGINT AS answers,
    satisfied::BIGINT AS satisfied,
    (100 * p)::DOUBLE AS csat_pct,
    CASE WHEN answers > 0 THEN greatest(100 * (centre - half), 0) END::DOUBLE AS csat_low,
    CASE WHEN answers > 0 THEN least(100 * (centre + half), 100) END::DOUBLE AS csat_high,
    (points / nullif(answers, 0))::DOUBLE AS csat_avg,
    CASE WHEN asked THEN 100 * answers / conversations END::DOUBLE AS response_rate_pct,
    coalesce(
        timezone(getvariable('timezone')::VARCHAR, (closed_date + 1)::TIMESTAMP)
            + getvariable('conversations_settle')::INTERVAL
            <= getvariable('conversations_as_of')::TIMESTAMPTZ,
        FALSE
    ) AS is_final
FROM intervals
ORDER BY closed_date NULLS LAST, project_id NULLS LAST, channel NULLS LAST
