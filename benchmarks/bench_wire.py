"""Transactions decoded: the engine to Arrow tables beside google.protobuf, on one core.

    pytest benchmarks/bench_wire.py

Two peers of one library (upb, the C parser under Python): parsing alone, and parsing with every
value handed to Python, without which nothing can be done with it. All sides begin with the whole
signed transaction. Before anything is timed the engine's tables equal what google.protobuf reads,
row by row. The batch is larger than a core's cache, its transactions lie apart in memory. Times are
the processor's: no side starts a thread, and other programs' load counts for none.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from random import Random
from time import process_time
from typing import TYPE_CHECKING, Any

import google.protobuf
import pytest
from result_table import Result
from witness import MESSAGES, any_of, transaction, type_url
from witness_rows import rows_of

from allora_core.wire import decode_transactions

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

BLOCK = Path(__file__).parents[1] / "tests/vectors/blocks/testnet_block_7038753_rest.json"
BATCH_BYTES = 12_000_000
LISTS = (
    "inferer_values",
    "forecaster_values",
    "one_out_inferer_values",
    "one_out_forecaster_values",
    "one_in_forecaster_values",
)
PEER = f"protobuf {google.protobuf.__version__}"


def recorded(index: int) -> bytes:
    """A transaction of the recorded block."""
    texts = json.loads(BLOCK.read_text())["data"]["block"]["data"]["txs"]
    return base64.b64decode(texts[index])


def made(inferers: int, forecasters: int) -> bytes:
    """A reputer's transaction of another shape: addresses and 34 digits as the recorded one has."""
    rng = Random(inferers)

    def address(number: int) -> str:
        return f"allo1{number:038d}"

    def listed(first: int, count: int) -> list[dict[str, str]]:
        return [
            {"worker": address(first + i), "value": f"-0.0{rng.randrange(10**33, 10**34)}"}
            for i in range(count)
        ]

    workers, experts = (0, inferers), (1000, forecasters)
    bundle = MESSAGES["ValueBundle"](
        topic_id=71,
        reputer_request_nonce={"reputer_nonce": {"block_height": 7032987}},
        reputer=address(5000),
        combined_value="0.01509793107039315898529518580095987",
        naive_value="-0.06316195195885649592571709029358721",
        inferer_values=listed(*workers),
        forecaster_values=listed(*experts),
        one_out_inferer_values=listed(*workers),
        one_out_forecaster_values=listed(*experts),
        one_in_forecaster_values=listed(*experts),
        one_out_inferer_forecaster_values=[
            {"forecaster": address(1000 + i), "one_out_inferer_values": listed(*workers)}
            for i in range(forecasters)
        ],
    )
    payload = MESSAGES["InsertReputerPayload"](
        sender=address(5000), reputer_value_bundle={"value_bundle": bundle}
    )
    url = type_url("InsertReputerPayload", 9)
    return transaction(any_of(url, payload.SerializeToString()))


SCENARIOS: dict[str, Callable[[], bytes]] = {
    "worker, recorded": lambda: recorded(0),
    "reputer 32x0, recorded": lambda: recorded(1),
    "reputer 32x6": lambda: made(32, 6),
    "reputer 256x32": lambda: made(256, 32),
}


def parsed(raw: bytes) -> Any:
    """The payload's object."""
    body = MESSAGES["TxBody"].FromString(MESSAGES["TxRaw"].FromString(raw).body_bytes)
    (packed,) = body.messages
    name = packed.type_url.rpartition(".")[2].removesuffix("Request")
    return MESSAGES[name].FromString(packed.value)


def walked(raw: bytes) -> list[tuple[str, ...]]:
    """The payload's values as Python's."""
    payload = parsed(raw)
    if payload.DESCRIPTOR.name == "InsertWorkerPayload":
        bundle = payload.worker_data_bundle
        inference = bundle.inference_forecasts_bundle.inference
        return [(bundle.topic_id, bundle.nonce.block_height, inference.inferer, inference.value)]
    bundle = payload.reputer_value_bundle.value_bundle
    values = [(bundle.combined_value,), (bundle.naive_value,)]
    for name in LISTS:
        values += [(each.worker, each.value) for each in getattr(bundle, name)]
    for row in bundle.one_out_inferer_forecaster_values:
        forecaster = row.forecaster
        values += [(forecaster, each.worker, each.value) for each in row.one_out_inferer_values]
    return values


@lru_cache(maxsize=1)
def batch(name: str) -> list[bytes]:
    """The scenario's transaction many times, after the check."""
    raw = SCENARIOS[name]()
    decoded = decode_transactions([raw])
    assert decoded.faults.num_rows == 0
    expected = rows_of([raw])
    for table in vars(decoded):
        rows = getattr(decoded, table).to_pylist()
        assert rows == expected.get(table, []), table
    losses = [row["value"] for row in expected.get("reputer_losses", expected.get("inferences"))]
    assert [values[-1] for values in walked(raw)] == losses
    return [bytes(bytearray(raw)) for _ in range(max(1, BATCH_BYTES // len(raw)))]


SIDES: dict[str, Callable[[list[bytes]], object]] = {
    "-": decode_transactions,
    f"{PEER}, parsed": lambda raws: [parsed(raw) for raw in raws],
    f"{PEER}, parsed and walked": lambda raws: [walked(raw) for raw in raws],
}


@pytest.mark.benchmark(timer=process_time)
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", SCENARIOS)
def test_decoding(benchmark: BenchmarkFixture, results: list[Result], name: str, side: str) -> None:
    raws = batch(name)
    benchmark.extra_info.update({"transactions": len(raws), "peer": side})
    benchmark.pedantic(SIDES[side], args=(raws,), rounds=10, warmup_rounds=1)
    if benchmark.stats is not None:
        best = benchmark.stats.stats.min / len(raws)
        shown = f"{best * 1e6:.4g} us, {1 / best:,.0f} a second"
        results.append(Result(name, "cpu", "text", "v9", side, shown))
