"""The fixed-width decimal equals the arbitrary-length one wherever widths change."""

from __future__ import annotations

import subprocess
from pathlib import Path

from test_big_decimal import FLAGS, NUMBER, ROOT, SOURCES


def test_widths(tmp_path: Path) -> None:
    program = tmp_path / "widths"
    sources = [
        NUMBER / f"{name}.cpp" for name in (*SOURCES, "decimal", "decimal_sum", "shared_operand")
    ]
    check = ROOT / "tests" / "number" / "decimal_widths.cpp"
    compiler = ["c++", *FLAGS, f"-I{NUMBER.parent}", *sources, check, "-o", program]
    subprocess.run(compiler, check=True)
    result = subprocess.run([program, "400000"], capture_output=True, text=True, check=False)
    assert result.stdout == "400000 rounds, 0 disagreements\n"
