"""Arrows point down: no floor includes one above it, and nothing includes the device's folder."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
FLOORS = {"number": 0, "protocol": 1, "formula": 2, "engine": 3, "wire": 4, "cuda": 4, "src": 5}


def sources() -> list[Path]:
    folders = (ROOT / "cpp", ROOT / "cuda", ROOT / "src")
    return [
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix in {".hpp", ".cpp", ".cu"}
    ]


def floor_of(path: Path) -> int:
    parts = path.relative_to(ROOT).parts
    return FLOORS[parts[1] if parts[0] == "cpp" else parts[0]]


def included(path: Path) -> list[Path]:
    found = []
    for name in re.findall(r'^#include "([^"]+)"', path.read_text(), re.MULTILINE):
        candidates = [path.parent / name, ROOT / "cpp" / name]
        target = next((each.resolve() for each in candidates if each.exists()), None)
        assert target is not None, f"{path.relative_to(ROOT)} includes {name}, which is nowhere"
        found.append(target)
    return found


def test_includes_point_down() -> None:
    upward = [
        f"{path.relative_to(ROOT)} -> {target.relative_to(ROOT)}"
        for path in sources()
        for target in included(path)
        if floor_of(target) > floor_of(path)
    ]
    assert upward == []


def test_every_floor_is_seen() -> None:
    assert {floor_of(path) for path in sources()} >= {0, 1, 2, 3, 4, 5}


def test_nothing_copies_by_the_standard_library_on_a_device() -> None:
    """nvcc makes no code at all of libstdc++'s std::copy and its kin in a kernel: copy_entries."""
    copying = re.compile(r"std::(copy\w*|move_backward|uninitialized_\w+|memcpy|memmove)\(")
    kept = {"cpp/number/list.hpp", "cpp/number/float64_sort.hpp"}  # the host's branch alone
    found = [
        f"{name}: {line.strip()}"
        for path in sources()
        if path.suffix == ".hpp"
        and (name := path.relative_to(ROOT).as_posix()) not in kept
        and "ALLORA_HD" in (text := path.read_text())
        for line in text.splitlines()
        if copying.search(line)
    ]
    assert found == []


def test_files_stay_short() -> None:
    folders = ("cpp", "cuda", "src", "python", "tests", "benchmarks")
    long = [
        f"{path.relative_to(ROOT)}: {count}"
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".hpp", ".cpp", ".cu", ".h", ".py", ".pyi"}
        and (count := len(path.read_text().splitlines())) > 500
    ]
    assert long == []
