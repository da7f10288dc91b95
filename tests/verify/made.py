"""Archives for tests of verification: made-up block data ingested, and recorded blocks."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
from written import plan

from allora_core.archive.files import Archive
from allora_core.archive.ingest import ingest
from allora_core.archive.schema import TABLES
from allora_core.blocks.files import heights_in_order, source_files
from allora_core.testing.block_writer import BlockPlan, write_blocks, write_genesis

VECTORS = Path(__file__).parents[1] / "vectors"

Documents = list[dict[str, Any]]


def documents(release: str, **changes: Any) -> Documents:
    """Genesis and answers of a made-up chain, to be changed at will."""
    return [orjson.loads(line) for line in lines(release, tuple(changes.items()))]


@cache
def lines(release: str, changes: tuple[tuple[str, Any], ...]) -> list[bytes]:
    """The same as JSON lines, written once."""
    return [orjson.dumps(each) for each in documents_of(plan(release, **dict(changes)))]


def documents_of(made: BlockPlan) -> Documents:
    """The same of any plan."""
    listed = [write_genesis(made)]
    for written in write_blocks(made):
        listed += [written.block, written.results]
    return listed


def with_months(release: str, length: int) -> BlockPlan:
    """A plan of a chain whose months have so many blocks.

    Before v0.12 the first share of the reputers stops the mint, since it has more than 18 places:
    one epoch of one topic is paid in the last block of a month, and there the chain ends.
    """
    short = release == "v0.9"
    made = plan(release, count=1 if short else 3)
    made = replace(made, topics=made.topics[:1]) if short else made
    weights = replace(made.chain.weights, blocks_per_month=length)
    return replace(made, chain=replace(made.chain, weights=weights))


def archive_of(
    source: Path | Documents,
    folder: Path,
    chain: str = "allora-synthetic-1",
    height: int | None = None,
) -> Archive:
    """An archive of a file, a folder, or documents; a height for answers that name none."""
    if not isinstance(source, Path):
        path = folder.with_suffix(".jsonl")
        path.write_bytes(b"\n".join(map(orjson.dumps, source)))
        source = path
    archive = Archive.create(folder, chain)
    ingest(heights_in_order(source_files(source, height)), archive)
    return archive


def record_of(archive: Archive) -> dict[str, pa.Table]:
    """All tables of an archive."""
    return {name: archive.read(name) for name in TABLES}


def with_digit_changed(table: pa.Table, column: str, row: int) -> pa.Table:
    """The table with the last digit of one text another one."""
    texts = table[column].to_pylist()
    last = texts[row][-1]
    texts[row] = texts[row][:-1] + ("1" if last != "1" else "2")
    place = table.schema.get_field_index(column)
    return table.set_column(place, column, pa.array(texts, pa.string()))
