"""Ingests stopped at steps of the file system spread evenly, each run again; prints what is left.

Run as a program: ``stopped.py BLOCKS FOLDER POINTS kill|fail``. This process loads modules and
forks; its children write archives, the first of each pair until it is killed by signal 9, or until
a step fails for want of space.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from allora_core.archive.files import Archive, ArchiveError
from allora_core.archive.ingest import ingest
from allora_core.archive.schema import TABLES
from allora_core.blocks.files import heights_in_order, source_files

STEPS: dict[str, Callable[..., Any]] = {
    "fsync": lambda _: None,  # a killed process loses nothing that it wrote
    "replace": os.replace,
    "rename": os.rename,
    "unlink": os.unlink,
    "mkdir": os.mkdir,
    "open": os.open,
}


def ingest_into(folder: Path, blocks: Path) -> None:
    """An ingest of several steps."""
    archive = Archive(folder) if Archive.exists(folder) else Archive.create(folder, CHAIN)
    ingest(heights_in_order(source_files(blocks)), archive, batch_heights=1)


CHAIN = "allora-recording-1"


def contents(folder: Path) -> dict[str, Any]:
    """Everything that can be read from an archive, and the files that lie there."""
    archive = Archive(folder)
    tables = {table: archive.read(table).to_pylist() for table in TABLES}
    with duckdb.connect(str(folder / "archive.duckdb"), read_only=True) as database:
        views = {
            table: database.execute(f"SELECT count(*) FROM {table}").fetchall() for table in TABLES
        }
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.parquet"))
    return {
        "tables": repr(tables),
        "views": views,
        "strays": sorted(set(files) ^ set(archive.manifest.parts)),
        "ranges": archive.manifest.ranges,
    }


def in_child(work: Callable[[], Any]) -> tuple[int, Any]:
    """Run in a forked child; returns its status and what it answered."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        answer = json.dumps(work()).encode()
        os.write(writer, len(answer).to_bytes(8, "little"))
        while answer:
            answer = answer[os.write(writer, answer) :]
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    return status, json.loads(text[8:]) if len(text) > 8 else None


def count_steps(limit: int, fails: bool = False) -> list[int]:
    """Count file-system calls of this process; at the limit it is killed, or the call fails."""
    counter = [0]
    for name, plain in STEPS.items():

        def stepped(*values: Any, plain: Any = plain, **named: Any) -> Any:
            counter[0] += 1
            if counter[0] == limit and fails:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if counter[0] == limit:
                os.kill(os.getpid(), signal.SIGKILL)
            return plain(*values, **named)

        setattr(os, name, stepped)
    return counter


def main() -> None:
    blocks, folder, points = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    fails = sys.argv[4] == "fail"

    TABLES[
        "blocks"
    ].schema.empty_table()  # what pyarrow loads late is loaded once, before the forks

    def whole() -> Any:
        counter = count_steps(0)
        ingest_into(folder / "whole", blocks)
        return [counter[0], contents(folder / "whole")]

    _, (steps, expected) = in_child(whole)
    outcome: dict[str, Any] = {"stopped": 0, "in_peace": 0, "different": [], "kept": []}
    for limit in sorted({1 + steps * point // points for point in range(points)}):
        target = folder / str(limit)

        def doomed(target: Path = target, limit: int = limit) -> Any:
            count_steps(limit, fails)
            try:
                ingest_into(target, blocks)
            except (ArchiveError, OSError) as error:
                return str(error)
            return None

        def again(target: Path = target) -> Any:
            count_steps(0)
            kept = Archive(target).ranges if Archive.exists(target) else []
            ingest_into(target, blocks)
            return [sum(last - first + 1 for first, last in kept), contents(target)]

        status, told = in_child(doomed)
        if fails:
            # To make a folder that is there already may fail in peace.
            outcome["stopped"] += status == 0 and (told is None or "No space left" in told)
            outcome["in_peace"] += told is None
        else:
            outcome["stopped"] += os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        status, answer = in_child(again)
        if status != 0 or answer is None or answer[1] != expected:
            outcome["different"].append(limit)
        if answer is not None:
            outcome["kept"].append(answer[0])
    outcome["strays"] = expected["strays"]
    print(json.dumps(outcome))


if __name__ == "__main__":
    main()
