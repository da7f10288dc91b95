"""The recorded chain as an archive, and its documents."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest

from allora_core.archive.files import Archive
from allora_core.archive.ingest import ingest
from allora_core.blocks.files import heights_in_order, source_files

RECORDING = Path(__file__).parents[1] / "vectors" / "blocks_v06"


@pytest.fixture(scope="session", autouse=True)
def no_flushing() -> Iterator[None]:
    """Nothing here loses power, so that no test needs to wait for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """All of the recorded chain: blocks, genesis and exported states."""
    folder = tmp_path_factory.mktemp("recorded") / "archive"
    ingest(heights_in_order(source_files(RECORDING)), Archive.create(folder, "allora-recording-1"))
    return Archive(folder)


@pytest.fixture(scope="session")
def answers() -> list[Any]:
    """The node's answers of the recording: all blocks, then all results."""
    with pa.CompressedInputStream(str(RECORDING / "blocks.jsonl.zst"), "zstd") as file:
        return [orjson.loads(line)["result"] for line in file.read().splitlines()]
