"""The fuzzer's corpus holds every message, and the target names the messages it wraps."""

from __future__ import annotations

import re
from pathlib import Path

from corpus import CORPUS, SELECTED
from witness import NAMES

from allora_core.wire import decode_transactions

TARGET = Path(__file__).with_name("fuzz_decode.cpp")


def test_every_message_is_in_the_corpus() -> None:
    whole = [path.read_bytes() for path in sorted(CORPUS.glob("*.bin"))]
    decoded = decode_transactions([data[1:] for data in whole if data[0] == 0])
    assert decoded.faults.num_rows == 0
    names = decoded.messages.column("name").to_pylist()
    assert set(names) == {*NAMES, None}
    selectors = {data[0] for data in whole}
    assert selectors == set(range(len(SELECTED) + 2))


def test_the_target_wraps_the_selected_messages() -> None:
    urls = re.findall(r'"(/[^"]+)"', TARGET.read_text())
    names = [re.sub(r"^.*\.(Msg)?|Request$", "", url) for url in urls]
    assert names == [*SELECTED, "Exec"]
