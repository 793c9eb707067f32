"""Plain Python with pyarrow: pages to Parquet files by month, and to DuckDB."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json
import pyarrow.parquet as pq

import tables
import vendor

TEXT, INSTANT = pa.string(), pa.timestamp("us", "UTC")
NODE = pa.struct({
    "id": TEXT, "createdAt": INSTANT, "closedAt": INSTANT, "channel": TEXT, "duration": TEXT, "language": TEXT,
    "tags": pa.list_(pa.struct({"name": TEXT})), "project": pa.struct({"id": pa.int64()}),
    "satisfactionSurvey": pa.struct({"customerSatisfaction": pa.int8(), "netPromoterScore": pa.int8(), "comment": TEXT}),
    "conversions": pa.struct({"transactions": pa.list_(pa.struct({
        "id": TEXT, "externalConversionId": TEXT, "amount": pa.float64(), "currency": TEXT, "receivedAt": INSTANT}))}),
})
PAGE = pa.schema({"data": pa.struct({"closedConversations": pa.struct({"edges": pa.list_(pa.struct({"node": NODE}))})})})
PARSE = pyarrow.json.ParseOptions(explicit_schema=PAGE, unexpected_field_behavior="ignore")


def parse(lines: bytes) -> dict[str, pa.Table]:
    """The tables of pages, one a line."""
    blocks = pyarrow.json.ReadOptions(block_size=8 << 20)
    page = pyarrow.json.read_json(pa.BufferReader(lines), read_options=blocks, parse_options=PARSE)
    nodes = pc.struct_field(pc.list_flatten(pc.struct_field(page["data"], ["closedConversations", "edges"])), "node").combine_chunks()

    def field(*names: str) -> pa.Array:
        return pc.struct_field(nodes, list(names))

    tags = field("tags")
    conversations = pa.table({
        "conversation_id": field("id"), "project_id": field("project", "id"), "channel": field("channel"), "language": field("language"),
        "created_at": field("createdAt"), "closed_at": field("closedAt"), "closed_date": field("closedAt").cast(pa.date32()),
        "duration": field("duration"), "tags": pa.ListArray.from_arrays(tags.offsets, pc.struct_field(tags.values, "name")),
        "csat_score": field("satisfactionSurvey", "customerSatisfaction"), "nps_score": field("satisfactionSurvey", "netPromoterScore"),
        "survey_comment": field("satisfactionSurvey", "comment"),
    })
    bought = field("conversions", "transactions")
    parent, bought = pc.list_parent_indices(bought), pc.list_flatten(bought)
    transactions = pa.table({
        "transaction_id": pc.struct_field(bought, "id"), "conversation_id": field("id").take(parent),
        "external_conversion_id": pc.struct_field(bought, "externalConversionId"),
        "amount": pc.round(pc.struct_field(bought, "amount"), 4).cast(pa.decimal128(18, 4), safe=False), "currency": pc.struct_field(bought, "currency"),
        "received_at": pc.struct_field(bought, "receivedAt"), "closed_date": field("closedAt").take(parent).cast(pa.date32()),
    })
    return {"conversations": conversations, "transactions": transactions}


def newest(rows: pa.Table, key: str) -> pa.Table:
    """Of each key the last row."""
    last = rows.select([key]).append_column("at", pa.array(range(len(rows)), pa.int64())).group_by(key).aggregate([("at", "max")])
    return rows.take(last["at_max"])


def merge(name: str, month: str, news: pa.Table) -> None:
    """Puts rows into the file of a month, in the place of those with the same key."""
    key = tables.KEYS[name]
    path = Path("parquet", name, f"month={month}", "data.parquet")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        old = pq.read_table(path, partitioning=None)
        kept = old.filter(pc.invert(pc.is_in(old[key], news[key].combine_chunks())))
        news = pa.concat_tables([kept, news.select(old.column_names)])
    beside = path.with_suffix(".tmp")
    pq.write_table(news.sort_by(key), beside, compression="zstd")
    os.replace(beside, path)


def main() -> None:
    asked = vendor.asked()
    first_load = not Path("analytics.duckdb").exists()
    for first, end in vendor.windows(asked.first, asked.last):
        parsed = parse(b"\n".join(page.content for page in vendor.pages(asked.url, first, end)))
        for name, news in parsed.items():
            news = newest(news, tables.KEYS[name])
            merge(name, f"{first:%Y-%m}", news)
            if not first_load:
                tables.merge(name, news)
    if first_load:
        for name in tables.KEYS:
            tables.load(name, f"parquet/{name}/*/*.parquet")


if __name__ == "__main__":
    main()
