"""Writes the type stubs of the compiled module, or checks that they are what it would write."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

STUBS = Path(__file__).parents[2] / "python" / "allora_core" / "_core.pyi"


def generated() -> str:
    """The stubs of the installed module."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pybind11_stubgen", "allora_core._core", "-o", folder],
            check=True,
            capture_output=True,
        )
        text = (Path(folder) / "allora_core" / "_core.pyi").read_text()
    formatted = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--stdin-filename", "stubs.pyi", "-"],
        input=text,
        check=True,
        capture_output=True,
        text=True,
    )
    return formatted.stdout


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    STUBS.write_text(generated())
