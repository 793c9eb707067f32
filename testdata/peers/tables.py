"""The two tables in DuckDB, from Arrow or from files: what polars and pyarrow share."""

import duckdb
import pyarrow as pa

KEYS = {"conversations": "conversation_id", "transactions": "transaction_id"}


def load(name: str, files: str) -> None:
    """Makes a table of Parquet files, a glob."""
    with duckdb.connect("analytics.duckdb") as db:
        db.execute(f"CREATE OR REPLACE TABLE {name} AS FROM read_parquet(?, hive_partitioning = false)", [files])


def merge(name: str, news: pa.Table) -> None:
    """Puts rows in the place of those with the same key."""
    key = KEYS[name]
    with duckdb.connect("analytics.duckdb") as db:
        db.register("news", news)
        db.execute("BEGIN")
        db.execute(f"DELETE FROM {name} USING news WHERE {name}.{key} = news.{key}")
        db.execute(f"INSERT INTO {name} BY NAME FROM news")
        db.execute("COMMIT")
