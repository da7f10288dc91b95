"""Ingesting a file or documents of block data into a fresh archive."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from allora_core.archive.files import Archive
from allora_core.archive.ingest import chain_of, ingest
from allora_core.blocks.files import heights_in_order, source_files

SAMPLES = Path(__file__).parents[1] / "vectors" / "blocks"
TESTNET = "allora-testnet-1"

Ingest = Callable[..., Archive]


SAMPLE_ARCHIVES: dict[tuple[str, int | None], Archive] = {}


def archive_of(path: Path, out: Path, height: int | None = None, chain: str = TESTNET) -> Archive:
    """Ingest a file or folder into an archive, which is made if it is not there."""
    files = source_files(path, height)
    stated = chain_of(files, None) or chain
    archive = Archive(out) if Archive.exists(out) else Archive.create(out, stated)
    ingest(heights_in_order(files), archive)
    return Archive(out)


@pytest.fixture(scope="session", autouse=True)
def no_flushing() -> Iterator[None]:
    """Nothing here loses power, so that no test needs to wait for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture
def ingested(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Ingest:
    """A function that ingests a sample by its name, once for all tests, or a source by its path."""

    def run(source: str | Path, height: int | None = None) -> Archive:
        if isinstance(source, Path):
            return archive_of(source, tmp_path / "archive", height)
        if (source, height) not in SAMPLE_ARCHIVES:
            out = tmp_path_factory.mktemp("sample") / "archive"
            SAMPLE_ARCHIVES[(source, height)] = archive_of(SAMPLES / source, out, height)
        return SAMPLE_ARCHIVES[(source, height)]

    return run
