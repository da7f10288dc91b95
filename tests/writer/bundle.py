"""The bundled stretch of a made-up chain; ``python tests/writer/bundle.py --write`` writes it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from written import plan

from allora_core.testing.block_writer import BlockPlan, save_blocks

BUNDLE = Path(__file__).parents[1] / "vectors" / "blocks_synthetic" / "blocks.jsonl.gz"


def bundled() -> BlockPlan:
    """Three topics of v0.17, one of them with labels; failed and shared transactions."""
    return plan("v0.17", count=8, failing=True, together=2, removing=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    if parser.parse_args().write:
        print(f"{BUNDLE}: {save_blocks(bundled(), BUNDLE)} blocks", file=sys.stderr)
