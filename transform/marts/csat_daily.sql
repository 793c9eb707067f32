-- Satisfaction by day, project and channel. An answer counts wherever it was
-- given; the response rate looks only at the channels where the question is asked.
-- The interval is the 95 % Wilson score interval: z is 1.959963984540054, and
-- 3.841458820694125 its square.
WITH daily AS (
    SELECT
        closed_date,
        project_id,
        channel,
        count(*) AS conversations,
        count(csat_score) AS answers,
        count(*) FILTER (WHERE csat_score >= 4) AS satisfied,
        sum(csat_score) AS points
    FROM iadvize.conversations
    GROUP BY closed_date, project_id, channel
),
asking AS (
    SELECT
        d.closed_date,
        d.project_id,
        d.channel,
        d.conversations,
        d.answers,
        d.satisfied,
        d.points,
        count(s.survey) > 0 AS asked
    FROM daily AS d
    LEFT JOIN etl.survey_channels AS s
        ON s.survey = 'csat'
        AND s.channel = d.channel
        AND (s.project_id IS NULL OR s.project_id = d.project_id)
        AND (s.valid_from IS NULL OR s.valid_from <= d.closed_date)
    GROUP BY d.closed_date, d.project_id, d.channel, d.conversations, d.answers, d.satisfied, d.points
),
shares AS (
    SELECT
        closed_date,
        project_id,
        channel,
        conversations,
        answers,
        satisfied,
        points,
        asked,
        CAST(nullif(answers, 0) AS DOUBLE) AS n,
        CAST(satisfied AS DOUBLE) / nullif(answers, 0) AS p
    FROM asking
),
intervals AS (
    SELECT
        closed_date,
        project_id,
        channel,
        conversations,
        answers,
        satisfied,
        points,
        asked,
        p,
        CAST(p + CAST(3.841458820694125E0 AS DOUBLE) / (2 * n) AS DOUBLE) / (1 + CAST(3.841458820694125E0 AS DOUBLE) / n) AS centre,
        CAST(1.959963984540054E0 * sqrt(CAST(p * (1 - p) AS DOUBLE) / n + CAST(3.841458820694125E0 AS DOUBLE) / (4 * n * n)) AS DOUBLE)
            / (1 + CAST(3.841458820694125E0 AS DOUBLE) / n) AS half
    FROM shares
)
SELECT
    closed_date,
    project_id,
    channel,
    CAST(conversations AS BIGINT) AS conversations,
    CAST(CASE WHEN asked THEN conversations ELSE 0 END AS BIGINT) AS eligible,
    CAST(answers AS BIGINT) AS answers,
    CAST(satisfied AS BIGINT) AS satisfied,
    100 * p AS csat_pct,
    CASE WHEN centre - half > 0E0 THEN 100 * (centre - half) WHEN answers > 0 THEN 0E0 END AS csat_low,
    CASE WHEN 100 * (centre + half) < 100E0 THEN 100 * (centre + half) WHEN answers > 0 THEN 100E0 END AS csat_high,
    CAST(points AS DOUBLE) / nullif(answers, 0) AS csat_avg,
    CASE WHEN asked THEN CAST(100 * answers AS DOUBLE) / conversations END AS response_rate_pct,
    coalesce(closed_date <= (SELECT last_day FROM etl.final_through WHERE records = 'conversations'), FALSE) AS is_final
FROM intervals
ORDER BY closed_date NULLS LAST, project_id NULLS LAST, channel NULLS LAST
