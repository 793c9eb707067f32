"""DuckDB alone: runs the statements of a file over a folder of pages."""

import sys
from pathlib import Path

import duckdb

statements, pages = sys.argv[1:]
with duckdb.connect("analytics.duckdb") as db:
    db.execute("SET TimeZone = 'UTC'")
    db.execute(Path(statements).read_text().replace("{pages}", pages))
    db.execute("CHECKPOINT")
