"""Counts the rows of both tables and adds up a hash of each, for a glob of Parquet
files of each table and a schema of a database; prints it all as one JSON object.
With --versions, prints what all of this runs on instead."""

import importlib
import json
import platform
import sys

import duckdb

COLUMNS = {
    "conversations": """conversation_id::VARCHAR, project_id::BIGINT, channel::VARCHAR, language::VARCHAR, epoch_us(created_at::TIMESTAMPTZ),
        epoch_us(closed_at::TIMESTAMPTZ), closed_date::DATE, csat_score::BIGINT, nps_score::BIGINT, survey_comment::VARCHAR""",
    "transactions": """transaction_id::VARCHAR, conversation_id::VARCHAR, external_conversion_id::VARCHAR, amount::DECIMAL(18,4),
        currency::VARCHAR, epoch_us(received_at::TIMESTAMPTZ), closed_date::DATE""",
}


def sums(db: duckdb.DuckDBPyConnection, of: dict[str, str]) -> dict[str, list]:
    """The rows of each table, and the sum of their hashes."""
    found = {}
    for table, place in of.items():
        count, total = db.execute(f"SELECT count(*), sum(hash({COLUMNS[table]})) FROM {place}").fetchone()
        found[table] = [count, str(total)]
    return found


def versions() -> str:
    """Imports all, so that what Python compiles is compiled before anything is measured."""
    names = ["dlt", "polars", "pyarrow", "duckdb", "requests"]
    return ", ".join([f"Python {platform.python_version()}"] + [f"{n} {importlib.import_module(n).__version__}" for n in names])


def main() -> None:
    if sys.argv[1:] == ["--versions"]:
        print(versions())
        return
    files, path, schema = sys.argv[1:]
    seen = {}
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    if files:
        seen["Parquet"] = sums(db, {t: f"read_parquet('{files.format(table=t)}', union_by_name = true)" for t in COLUMNS})
    if path:
        db.execute(f"ATTACH '{path}' AS peer (READ_ONLY)")
        seen["DuckDB"] = sums(db, {t: f"peer.{schema}.{t}" for t in COLUMNS})
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
