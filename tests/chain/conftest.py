"""The recorded chain as an archive."""

from __future__ import annotations

from pathlib import Path

import pytest

from allora_core.archive.files import Archive
from allora_core.archive.ingest import ingest
from allora_core.blocks.files import heights_in_order, source_files

RECORDED = Path(__file__).parents[1] / "vectors" / "blocks_v06"


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """The 490 recorded blocks of v0.6 with genesis and three exported states."""
    folder = tmp_path_factory.mktemp("recorded") / "archive"
    archive = Archive.create(folder, "allora-recording-1")
    files = source_files(RECORDED, None)
    ingest(heights_in_order(files), archive)
    return Archive(folder)
