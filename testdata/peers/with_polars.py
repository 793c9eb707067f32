"""Plain Python with polars: pages to Parquet files by month, and to DuckDB."""

import os
from pathlib import Path

import polars as pl

import tables
import vendor

NODE = pl.Struct({
    "id": pl.String, "createdAt": pl.String, "closedAt": pl.String, "channel": pl.String, "duration": pl.String, "language": pl.String,
    "tags": pl.List(pl.Struct({"name": pl.String})), "project": pl.Struct({"id": pl.Int64}),
    "satisfactionSurvey": pl.Struct({"customerSatisfaction": pl.Int8, "netPromoterScore": pl.Int8, "comment": pl.String}),
    "conversions": pl.Struct({"transactions": pl.List(pl.Struct({
        "id": pl.String, "externalConversionId": pl.String, "amount": pl.Float64, "currency": pl.String, "receivedAt": pl.String}))}),
})
PAGE = {"data": pl.Struct({"closedConversations": pl.Struct({"edges": pl.List(pl.Struct({"node": NODE}))})})}


def instant(name: str) -> pl.Expr:
    return pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", time_zone="UTC")


def parse(lines: bytes) -> dict[str, pl.DataFrame]:
    """The tables of pages, one a line."""
    edges = pl.col("data").struct.field("closedConversations").struct.field("edges")
    nodes = pl.read_ndjson(lines, schema=PAGE).select(edges.explode().struct.field("node")).unnest("node")
    survey = pl.col("satisfactionSurvey").struct
    conversations = nodes.select(
        conversation_id="id", project_id=pl.col("project").struct.field("id"), channel="channel", language="language",
        created_at=instant("createdAt"), closed_at=instant("closedAt"), closed_date=instant("closedAt").dt.date(), duration="duration",
        tags=pl.col("tags").list.eval(pl.element().struct.field("name")), csat_score=survey.field("customerSatisfaction"),
        nps_score=survey.field("netPromoterScore"), survey_comment=survey.field("comment"),
    )
    bought = nodes.select(conversation_id="id", closed_date=instant("closedAt").dt.date(), bought=pl.col("conversions").struct.field("transactions"))
    transactions = bought.filter(pl.col("bought").list.len() > 0).explode("bought").unnest("bought").select(
        "conversation_id", "closed_date", "currency", transaction_id="id", external_conversion_id="externalConversionId",
        amount=pl.col("amount").cast(pl.Decimal(18, 4)), received_at=instant("receivedAt"),
    )
    return {"conversations": conversations, "transactions": transactions}


def merge(name: str, month: str, news: pl.DataFrame) -> None:
    """Puts rows into the file of a month, in the place of those with the same key."""
    path = Path("parquet", name, f"month={month}", "data.parquet")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        old = pl.read_parquet(path, hive_partitioning=False)
        news = pl.concat([old.join(news, on=tables.KEYS[name], how="anti"), news.select(old.columns)])
    beside = path.with_suffix(".tmp")
    news.sort(tables.KEYS[name]).write_parquet(beside, compression="zstd")
    os.replace(beside, path)


def main() -> None:
    asked = vendor.asked()
    first_load = not Path("analytics.duckdb").exists()
    for first, end in vendor.windows(asked.first, asked.last):
        parsed = parse(b"\n".join(page.content for page in vendor.pages(asked.url, first, end)))
        for name, news in parsed.items():
            news = news.unique(tables.KEYS[name], keep="last")
            merge(name, f"{first:%Y-%m}", news)
            if not first_load:
                tables.merge(name, news.to_arrow())
    if first_load:
        for name in tables.KEYS:
            tables.load(name, f"parquet/{name}/*/*.parquet")


if __name__ == "__main__":
    main()
