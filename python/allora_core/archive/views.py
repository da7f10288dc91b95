"""A DuckDB file of views over an archive, so that people can ask it questions at once."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb

from ..archive.files import Archive, ArchiveError
from ..archive.schema import TABLES

__all__ = ["write_views"]

VIEWS = "archive.duckdb"


def write_views(archive: Archive) -> Path:
    """Write the DuckDB file of views beside the tables.

    The views name the archive's files by absolute path: write them again when it was moved.

    Returns:
        The file's path.

    Raises:
        ArchiveError: it cannot be written.
    """
    path = archive.folder / VIEWS
    new = archive.folder / f".{VIEWS}.new"
    try:
        new.unlink(missing_ok=True)
        with duckdb.connect(str(new)) as database:
            database.begin()
            for table in TABLES:
                database.execute(view_of(archive, table))
            for statement in DERIVED_VIEWS:
                database.execute(statement)
            database.commit()
        os.replace(new, path)
    except (duckdb.Error, OSError) as error:
        new.unlink(missing_ok=True)
        raise ArchiveError(
            f"{path}: cannot write the views: {error}; the tables are whole"
        ) from None
    return path


DERIVED_VIEWS = (
    """CREATE VIEW epochs AS
    WITH steps AS (
        SELECT topic_id, nonce,
            max(window_end) FILTER (step = 'worker_opened') AS worker_window_end,
            max(height) FILTER (step IN ('worker_closed', 'worker_committed'))
                AS worker_closed_height,
            max(window_end) FILTER (step = 'reputer_opened') AS reputer_window_end,
            max(height) FILTER (step IN ('reputer_closed', 'reputer_committed'))
                AS reputer_closed_height,
            bool_or(step = 'worker_committed') AS has_inferers
        FROM epoch_steps WHERE step <> 'pruned' GROUP BY topic_id, nonce
    ),
    losses AS (
        SELECT topic_id, nonce, max(height) AS height FROM network_losses GROUP BY topic_id, nonce
    ),
    paid AS (SELECT topic_id, nonce, max(height) AS height FROM scores GROUP BY topic_id, nonce)
    SELECT topic_id, nonce, worker_window_end, worker_closed_height, reputer_window_end,
        coalesce(reputer_closed_height, losses.height) AS reputer_closed_height,
        paid.height AS rewards_height,
        CASE WHEN losses.height IS NOT NULL THEN 'closed'
            WHEN reputer_closed_height IS NOT NULL THEN 'no_losses'
            WHEN worker_closed_height IS NOT NULL AND NOT has_inferers THEN 'no_inferers'
        END AS outcome
    FROM steps FULL JOIN losses USING (topic_id, nonce) LEFT JOIN paid USING (topic_id, nonce)""",
    """CREATE VIEW emissions AS SELECT height,
        any_value(value) FILTER (event = 'EventRewardCurrentBlockEmission')
            AS reward_current_block_emission,
        any_value(value) FILTER (event = 'EventEcosystemTokenMintSet') AS ecosystem_tokens_minted
    FROM mint_values WHERE name = 'token_amount' GROUP BY height""",
)
"""What follows from the tables: the life of each epoch, and the mint of each block."""


def view_of(archive: Archive, table: str) -> str:
    """The statement of the view of one table; empty tables have their columns too.

    Files are listed by name: a pattern would find rows twice while files are joined.
    """
    paths = [str(path.resolve()).replace("'", "''") for path in archive.paths(table)]
    if paths:
        listed = ", ".join(f"'{path}'" for path in paths)
        source = f"SELECT * FROM read_parquet([{listed}], hive_partitioning = false)"
        return f"CREATE VIEW {table} AS {source}"
    columns = ", ".join(
        f'CAST(NULL AS {DUCKDB_TYPES[str(column.type)]}) AS "{column.name}"'
        for column in TABLES[table].schema
    )
    return f"CREATE VIEW {table} AS SELECT {columns} WHERE false"


DUCKDB_TYPES = {
    "int64": "BIGINT",
    "string": "VARCHAR",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "binary": "BLOB",
    "timestamp[ns, tz=UTC]": "TIMESTAMP WITH TIME ZONE",
}
