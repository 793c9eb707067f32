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
        count(*) FILTER (nps_score >= 9) AS promoters,
        count(*) FILTER (nps_score <= 6) AS detractors
    FROM iadvize.conversations
    GROUP BY ALL
),
adjusted AS (
    SELECT
        *,
        answers + 3.0::DOUBLE AS n,
        (promoters + 0.75::DOUBLE) / (answers + 3) AS p,
        (detractors + 0.75::DOUBLE) / (answers + 3) AS d
    FROM daily
),
intervals AS (
    SELECT *, p - d AS centre, 1.959963984540054 * sqrt((p + d - (p - d) * (p - d)) / n) AS half
    FROM adjusted
)
SELECT
    closed_date,
    project_id,
    channel,
    conversations::BIGINT AS conversations,
    CASE WHEN list_contains(getvariable('nps_channels')::VARCHAR[], channel) THEN conversations ELSE 0 END::BIGINT AS eligible,
    answers::BIGINT AS answers,
    promoters::BIGINT AS promoters,
    (answers - promoters - detractors)::BIGINT AS passives,
    detractors::BIGINT AS detractors,
    (100 * (promoters - detractors) / nullif(answers, 0))::DOUBLE AS nps,
    CASE WHEN answers > 0 THEN greatest(100 * (centre - half), -100) END::DOUBLE AS nps_low,
    CASE WHEN answers > 0 THEN least(100 * (centre + half), 100) END::DOUBLE AS nps_high,
    coalesce(
        timezone(getvariable('timezone')::VARCHAR, (closed_date + 1)::TIMESTAMP)
            + getvariable('conversations_settle')::INTERVAL
            <= getvariable('conversations_as_of')::TIMESTAMPTZ,
        FALSE
    ) AS is_final
FROM intervals
ORDER BY closed_date NULLS LAST, project_id NULLS LAST, channel NULLS LAST
