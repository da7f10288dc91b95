"""Payloads that a state holds, as rows of the archive's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..blocks.bundles import by_object

if TYPE_CHECKING:
    from .life import Chain
    from .start import Snapshot

__all__ = ["held_rows"]

Rows = dict[str, list[Any]]

COLUMNS = {
    "inferer": ("topic_id", "nonce", "inferer", "label", "source", "value"),
    "forecaster": ("topic_id", "nonce", "forecaster", "inferer", "source", "value"),
    "reputer": (
        "topic_id",
        "nonce",
        "reputer",
        "kind",
        "inferer",
        "forecaster",
        "source",
        "value",
    ),
}
WHOLE = {"topic_id", "nonce", "height", "tx_index", "msg_index"}


def held_rows(chain: Chain, snapshot: Snapshot) -> dict[str, pa.RecordBatch]:
    """Rows of payloads in active sets and in nonces that are not settled, by role."""
    rows: dict[str, Rows] = {role: {name: [] for name in names} for role, names in COLUMNS.items()}
    unsettled = {
        (life.topic_id, nonce) for life in chain.lives.values() for nonce in life.open.reputer
    }
    seen: set[tuple[str, int, int, str]] = set()
    for entry in snapshot.of("inferences"):
        add_inference(rows["inferer"], entry.value["inference"], seen)
    for entry in snapshot.of("forecasts"):
        add_forecast(rows["forecaster"], entry.value["forecast"], seen)
    for entry in snapshot.of("all_inferences"):
        for inference in entry.value["inferences"]["inferences"] or ():
            if place(inference) in unsettled:
                add_inference(rows["inferer"], inference, seen)
    for entry in snapshot.of("all_forecasts"):
        for forecast in entry.value["forecasts"]["forecasts"] or ():
            if place(forecast) in unsettled:
                add_forecast(rows["forecaster"], forecast, seen)
    for entry in snapshot.of("loss_bundles"):
        add_bundle(rows["reputer"], entry.value["reputer_value_bundle"]["value_bundle"])
    return {role: batch_of(columns, snapshot.height) for role, columns in rows.items()}


def place(payload: dict[str, Any]) -> tuple[int, int]:
    """Topic and nonce of a payload."""
    return int(payload["topic_id"]), int(payload["block_height"])


def add(rows: Rows, count: int, **values: Any) -> None:
    """Add rows: a list gives one value a row."""
    for name, column in rows.items():
        value = "state" if name == "source" else values[name]
        column.extend(value if isinstance(value, list) else [value] * count)


def add_inference(rows: Rows, inference: dict[str, Any], seen: set[Any]) -> None:
    """One inference; an actor's payload for a nonce is there once."""
    topic_id, nonce = place(inference)
    key = ("inferer", topic_id, nonce, inference["inferer"])
    if key in seen:
        return
    seen.add(key)
    values = inference.get("values") or [inference.get("value")]
    texts = [value["value"] if isinstance(value, dict) else value for value in values]
    labels = [value.get("label") if isinstance(value, dict) else None for value in values]
    fields = {"topic_id": topic_id, "nonce": nonce, "inferer": inference["inferer"]}
    add(rows, len(texts), **fields, label=labels, value=texts)


def add_forecast(rows: Rows, forecast: dict[str, Any], seen: set[Any]) -> None:
    """One forecast."""
    topic_id, nonce = place(forecast)
    key = ("forecaster", topic_id, nonce, forecast["forecaster"])
    if key in seen:
        return
    seen.add(key)
    elements = forecast["forecast_elements"]
    fields = {"topic_id": topic_id, "nonce": nonce, "forecaster": forecast["forecaster"]}
    inferers = [element["inferer"] for element in elements]
    values = [element["value"] for element in elements]
    add(rows, len(elements), **fields, inferer=inferers, value=values)


def add_bundle(rows: Rows, bundle: dict[str, Any]) -> None:
    """One reputer's losses."""
    cells = [
        ("combined", None, None, bundle["combined_value"]),
        ("naive", None, None, bundle["naive_value"]),
        *by_object(bundle),
    ]
    kinds, inferers, forecasters, values = (list(column) for column in zip(*cells, strict=True))
    add(
        rows,
        len(cells),
        topic_id=int(bundle["topic_id"]),
        nonce=int(bundle["reputer_request_nonce"]["reputer_nonce"]["block_height"]),
        reputer=bundle["reputer"],
        kind=kinds,
        inferer=inferers,
        forecaster=forecasters,
        value=values,
    )


def batch_of(rows: Rows, height: int) -> pa.RecordBatch:
    """The rows as the archive's columns, at the state's height."""
    count = len(rows["value"])
    columns: dict[str, Any] = dict(rows)
    columns |= {"height": [height] * count, "tx_index": [None] * count, "msg_index": [None] * count}
    arrays = {
        name: pa.array(values, pa.int64() if name in WHOLE else pa.string())
        for name, values in columns.items()
    }
    arrays["value_f64"] = arrays["value"].cast(pa.float64())
    return pa.RecordBatch.from_pydict(arrays)
