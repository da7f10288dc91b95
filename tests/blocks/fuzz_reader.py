"""Mutated block data through the reader: it is read, or refused with a `BlockError`; nothing else.

Run as a program for the nightly profile: ``fuzz_reader.py --seconds 600``. Inputs that behave in a
new way are mutated further; ``--keep`` adds them to the corpus.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

from allora_core.archive.heights import Gathered, add_height
from allora_core.archive.schema import TABLES
from allora_core.archive.transactions import decoded_tables
from allora_core.blocks.answers import BlockError
from allora_core.blocks.files import heights_in_order, source_files

VECTORS = Path(__file__).parents[1] / "vectors"
CORPUS = VECTORS / "blocks_corpus"
HOSTILE: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 2**63, 2**64, 10**300, "", "0", "-0", "1e400", "NaN"),
    *("9" * 25, "9" * 400, "\ud7ff", "\u0661", "null", "[]", '{"a":[1,2]}', '"5"', "AAAA", "A" * 7),
    *([], {}, [[]], {"value": {}}, ["x"], [None], {"height": "5"}, [{"attributes": []}]),
    *("2026-02-30T00:00:00Z", "emissions.v9.EventScoresSet", "/emissions.v9.AddStakeRequest"),
)
TOKENS = (b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\n", b"\x00", b"\xff", b"1e999", b"-")


def outcome(content: bytes, folder: Path) -> str:
    """What became of an input, in few words that many inputs share.

    Raises:
        AssertionError: it was neither read as the schema says nor refused by name.
    """
    path = folder / "input_5.json"
    path.write_bytes(content)
    gathered = Gathered()
    words: set[str] = set()
    refused: BlockError | None = None
    try:
        for height, records in heights_in_order(source_files(path)):
            mark, count = gathered.mark(), gathered.rows.count
            try:
                add_height(gathered, height, records)
            except BlockError:
                gathered.undo(mark)
                assert gathered.rows.count == count
                raise
            words |= {record.kind for record in records}
    except BlockError as error:
        refused = error
        words.add(re.sub(r"'[^']*'|\"[^\"]*\"|[\d.]+", "", error.what)[:60])
    assert refused is None or str(path) in str(refused)
    tables, fault = decoded_tables(gathered.executed)
    if fault is not None:
        assert str(path) in str(fault)
        words.add(re.sub(r"[0-9A-F]{64}|\d+", "", fault.what)[-40:])
    for found in (tables, gathered.rows.tables()):
        for name, table in found.items():
            table.validate(full=True)
            assert table.schema == TABLES[name].schema
            words.add(name)
    return " ".join(sorted(words))


def places(document: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Every holder and key within a document."""
    if isinstance(document, dict | list):
        keys = document if isinstance(document, dict) else range(len(document))
        for key in keys:
            found.append((document, key))
            places(document[key], found)
    return found


def structural(content: bytes, rng: Random) -> bytes:
    """Values replaced, dropped, repeated or moved within the JSON."""
    lines = content.split(b"\n") if content.count(b"\n{") else [content]
    at = rng.randrange(len(lines))
    try:
        document = json.loads(lines[at])
    except ValueError:
        return bytewise(content, rng)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        found = places(document, [])
        if not found:
            break
        holder, key = rng.choice(found)
        action = rng.randrange(6)
        if action <= 2:
            holder[key] = rng.choice(HOSTILE)
        elif action == 3:
            del holder[key]
        elif action == 4 and isinstance(holder, list):
            holder.extend(holder[key:] * rng.choice((1, 1, 3)))
        else:
            other, place = rng.choice(found)
            holder[key] = json.loads(json.dumps(other[place]))
    lines[at] = json.dumps(document).encode()
    if len(lines) > 1 and rng.random() < 0.2:
        rng.shuffle(lines)
    return b"\n".join(lines)


def inside_attributes(content: bytes, rng: Random) -> bytes:
    """A change within the JSON that an attribute's text holds."""
    document = json.loads(content) if content.lstrip().startswith((b"{", b"[")) else None
    texts = [
        (holder, key)
        for holder, key in places(document, [])
        if isinstance(holder[key], str) and holder[key][:1] in ("[", "{", '"')
    ]
    if not texts:
        return structural(content, rng)
    holder, key = rng.choice(texts)
    mutate = rng.choice((structural, bytewise))
    holder[key] = mutate(holder[key].encode(), rng).decode(errors="replace")
    return json.dumps(document).encode()


def bytewise(content: bytes, rng: Random) -> bytes:
    """Bytes flipped, dropped, repeated or put in."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(changed) + 1)
        end = min(len(changed), at + rng.choice((1, 1, 4, 40)))
        action = rng.randrange(4)
        if action == 0:
            changed[at:end] = bytes(each ^ 1 << rng.randrange(8) for each in changed[at:end])
        elif action == 1:
            del changed[at:end]
        elif action == 2:
            changed[at:at] = changed[at:end] * rng.choice((1, 2, 50))
        else:
            changed[at:at] = rng.choice(TOKENS) * rng.choice((1, 1, 1, 2000))
    return bytes(changed)


def mutated(content: bytes, rng: Random) -> bytes:
    """One mutation of an input."""
    mutate = rng.choice((structural, structural, inside_attributes, bytewise))
    try:
        return mutate(content, rng)
    except (ValueError, RecursionError):
        return bytewise(content, rng)


def seeds() -> list[bytes]:
    """The corpus, and the recorded samples that are small enough to be mutated fast."""
    samples = [path for path in (VECTORS / "blocks").glob("*.json") if path.stat().st_size < 60_000]
    return [path.read_bytes() for path in sorted([*samples, *CORPUS.glob("*.json")])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", action="store_true", help="add inputs of new behaviour")
    options = parser.parse_args()
    rng, inputs = Random(options.seed), seeds()
    end, count = time.monotonic() + options.seconds, 0
    with tempfile.TemporaryDirectory() as name:
        known = {outcome(content, Path(name)) for content in inputs}
        while time.monotonic() < end:
            content = mutated(rng.choice(inputs), rng)
            try:
                found = outcome(content, Path(name))
            except Exception:
                failed = Path(f"fuzz_reader_{hashlib.sha256(content).hexdigest()[:12]}.json")
                failed.write_bytes(content)
                print(f"seed {options.seed}, input {count}: kept as {failed}", file=sys.stderr)
                raise
            count += 1
            if found not in known and len(content) < 100_000:
                known.add(found)
                inputs.append(content)
                if options.keep and len(content) < 4_000:
                    digest = hashlib.sha256(content).hexdigest()[:12]
                    (CORPUS / f"{digest}.json").write_bytes(content)
    print(f"{count} inputs, {len(known)} behaviours, seed {options.seed}: no failure")


if __name__ == "__main__":
    main()
