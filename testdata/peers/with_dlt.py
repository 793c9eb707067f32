"""dlt: a source of two resources, merged by key into DuckDB, or to Parquet files. What
they yield are dictionaries, or with "arrow" the tables that pyarrow makes of pages."""

import sys
from pathlib import Path

import dlt

import vendor
import with_pyarrow


@dlt.source(name="iadvize")
def tables(url, first, last):
    @dlt.resource(selected=False)
    def parsed():
        for begin, end in vendor.windows(first, last):
            yield with_pyarrow.parse(b"\n".join(page.content for page in vendor.pages(url, begin, end)))

    @dlt.transformer(data_from=parsed, write_disposition="merge", primary_key="conversation_id")
    def conversations(parsed):
        yield parsed["conversations"]

    @dlt.transformer(data_from=parsed, write_disposition="merge", primary_key="transaction_id")
    def transactions(parsed):
        yield parsed["transactions"]

    return parsed, conversations, transactions


@dlt.source(name="iadvize")
def dictionaries(url, first, last):
    @dlt.resource(selected=False)
    def nodes():
        for begin, end in vendor.windows(first, last):
            for page in vendor.pages(url, begin, end):
                yield [edge["node"] for edge in page.json()["data"]["closedConversations"]["edges"]]

    @dlt.transformer(data_from=nodes, write_disposition="merge", primary_key="conversation_id", columns={
        "tags": {"data_type": "json"}, "closed_date": {"data_type": "date"}})
    def conversations(nodes):
        yield [{
            "conversation_id": n["id"], "project_id": n["project"]["id"], "channel": n["channel"], "language": n["language"],
            "created_at": n["createdAt"], "closed_at": n["closedAt"], "closed_date": n["closedAt"][:10], "duration": n["duration"],
            "tags": [t["name"] for t in n["tags"]], "csat_score": survey.get("customerSatisfaction"),
            "nps_score": survey.get("netPromoterScore"), "survey_comment": survey.get("comment"),
        } for n in nodes for survey in [n["satisfactionSurvey"] or {}]]

    @dlt.transformer(data_from=nodes, write_disposition="merge", primary_key="transaction_id", columns={
        "amount": {"data_type": "decimal", "precision": 18, "scale": 4}, "closed_date": {"data_type": "date"}})
    def transactions(nodes):
        yield [{
            "transaction_id": t["id"], "conversation_id": n["id"], "external_conversion_id": t["externalConversionId"],
            "amount": t["amount"], "currency": t["currency"], "received_at": t["receivedAt"], "closed_date": n["closedAt"][:10],
        } for n in nodes for t in (n["conversions"] or {}).get("transactions", [])]

    return nodes, conversations, transactions


def main() -> None:
    way = sys.argv.pop(1)
    asked = vendor.asked()
    source = tables if way == "arrow" else dictionaries
    if way == "files":
        destination = dlt.destinations.filesystem(Path("files").absolute().as_uri())
    else:
        destination = dlt.destinations.duckdb("analytics.duckdb")
    pipeline = dlt.pipeline("peers", pipelines_dir=str(Path("dlt").absolute()), destination=destination, dataset_name="peers")
    pipeline.run(source(asked.url, asked.first, asked.last), loader_file_format="parquet").raise_on_failed_jobs()


if __name__ == "__main__":
    main()
