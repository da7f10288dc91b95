"""Recorded files as lines: what is damaged says where, and formats are told by content."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TextIO, cast

__all__ = ["RecordingError", "RecordingFormat", "read_document", "read_lines", "recognise"]

RecordingFormat = Literal[
    "chain_epochs_v0.6",
    "chain_epochs_v0.17",
    "decimal_operations",
    "simulator_regression",
    "simulator_classification",
    "loss_cases",
    "rewards_cases",
]


class RecordingError(ValueError):
    """A recorded file cannot be read; the message names file, line and the place in the line."""

    def __init__(self, path: Path, line: int, place: str, cause: str) -> None:
        super().__init__(f"{path.name} line {line}: {place}: {cause}")
        self.path = path
        self.line = line
        self.place = place
        self.cause = cause


def opened(path: Path) -> TextIO:
    """The text of a file, compressed or not."""
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    if compressed:
        return cast(TextIO, gzip.open(path, "rt", encoding="utf-8"))
    return path.open(encoding="utf-8")


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line number, line) of a text file, compressed or not.

    Raises:
        RecordingError: the file is cut short, its compression is damaged, or it is not text.
    """
    line = 0
    try:
        with opened(path) as lines:
            for line, text in enumerate(lines, 1):
                yield line, text
    except (EOFError, UnicodeDecodeError, gzip.BadGzipFile, zlib.error) as fault:
        raise RecordingError(path, line + 1, "file", f"damaged: {fault}") from fault


def unique_entries(path: Path, line: int) -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    """How the object of a line is made of its entries: none (an actor, say) may occur twice."""

    def entries(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        document = dict(pairs)
        if len(document) != len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise RecordingError(path, line, twice, "given twice")
        return document

    return entries


def read_document(path: Path, line: int, text: str) -> dict[str, Any]:
    """The object of one line.

    Raises:
        RecordingError: it is no object, or names an entry (an actor, say) twice.
    """

    try:
        document = json.loads(text, object_pairs_hook=unique_entries(path, line))
    except RecordingError:
        raise
    except (ValueError, RecursionError) as fault:
        raise RecordingError(path, line, "document", str(fault)) from fault
    if not isinstance(document, dict):
        raise RecordingError(path, line, "document", "not an object")
    return document


def first_entry(path: Path) -> dict[str, Any]:
    """The first object of a list of objects; empty if there is none."""
    content = "".join(text for _, text in read_lines(path))
    begin = content.find("{")
    if begin < 0 or content[:begin].split() != ["["]:
        return {}
    try:
        entry, _ = json.JSONDecoder().raw_decode(content, begin)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", entry)


def whole_document(path: Path) -> dict[str, Any]:
    """A file that is one object over many lines; empty if it is none."""
    try:
        document = json.loads("".join(text for _, text in read_lines(path)))
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def recognise(path: str | Path) -> RecordingFormat:
    """Tell the format of a recorded file by its first line or entry, of cases by their index.

    Raises:
        RecordingError: it is none of the known formats.
    """
    path = Path(path)
    line = next((text for _, text in read_lines(path)), "")
    if line.lstrip().startswith("[") and first_entry(path).keys() >= {"loss", "y_true", "y_pred"}:
        return "loss_cases"
    if line.strip() == "{" and "function_index" in whole_document(path):
        return "rewards_cases"
    if line.startswith("{"):
        document = read_document(path, 1, line)
        if "op" in document:
            return "decimal_operations"
        if "kind" in document and isinstance(document.get("input"), dict):
            labeled = "labels" in document["input"]
            return "chain_epochs_v0.17" if labeled else "chain_epochs_v0.6"
    columns = line.strip().split(",")
    if columns[0] == "epoch" and "network_inference" in columns:
        return "simulator_regression"
    if columns[0] == "epoch" and "network_inference_label_0" in columns:
        return "simulator_classification"
    raise RecordingError(path, 1, "format", "not a recorded file of a known format")
