-- Willingness to recommend by day, project and channel. The interval is the 95 %
-- adjusted-Wald one: three answers are added, 3/4 of them promoters and 3/4
-- detractors (Rocks 2016, The American Statistician), clipped to -100 and 100.
WITH daily AS (
    SELECT
        closed_date,
        project_id,
        channel,
        count(*) AS conversations,
        count(nps_score) AS answers,
        count(*) FILTER (WHERE nps_score >= 9) AS promoters,
        count(*) FILTER (WHERE nps_score <= 6) AS detractors
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
        d.promoters,
        d.detractors,
        count(s.survey) > 0 AS asked
    FROM daily AS d
    LEFT JOIN etl.survey_channels AS s
        ON s.survey = 'nps'
        AND s.channel = d.channel
        AND (s.project_id IS NULL OR s.project_id = d.project_id)
        AND (s.valid_from IS NULL OR s.valid_from <= d.closed_date)
    GROUP BY d.closed_date, d.project_id, d.channel, d.conversations, d.answers, d.promoters, d.detractors
),
adjusted AS (
    SELECT
        closed_date,
        project_id,
        channel,
        conversations,
        answers,
        promoters,
        detractors,
        asked,
        CAST(answers + 3 AS DOUBLE) AS n,
        CAST(promoters + 0.75E0 AS DOUBLE) / (answers + 3) AS p,
        CAST(detractors + 0.75E0 AS DOUBLE) / (answers + 3) AS d
    FROM asking
),
intervals AS (
    SELECT
        closed_date,
        project_id,
        channel,
        conversations,
        answers,
        promoters,
        detractors,
        asked,
        p - d AS centre,
        1.959963984540054E0 * sqrt(CAST(p + d - (p - d) * (p - d) AS DOUBLE) / n) AS half
    FROM adjusted
)
SELECT
    closed_date,
    project_id,
    channel,
    CAST(conversations AS BIGINT) AS conversations,
    CAST(CASE WHEN asked THEN conversations ELSE 0 END AS BIGINT) AS eligible,
    CAST(answers AS BIGINT) AS answers,
    CAST(promoters AS BIGINT) AS promoters,
    CAST(answers - promoters - detractors AS BIGINT) AS passives,
    CAST(detractors AS BIGINT) AS detractors,
    CAST(100 * (promoters - detractors) AS DOUBLE) / nullif(answers, 0) AS nps,
    CASE WHEN answers > 0 THEN greatest(100 * (centre - half), -100E0) END AS nps_low,
    CASE WHEN answers > 0 THEN least(100 * (centre + half), 100E0) END AS nps_high,
    coalesce(closed_date <= (SELECT last_day FROM etl.final_through WHERE records = 'conversations'), FALSE) AS is_final
FROM intervals
ORDER BY closed_date NULLS LAST, project_id NULLS LAST, channel NULLS LAST
