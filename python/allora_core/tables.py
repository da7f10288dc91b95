"""Results and states as long tables, keyed by topic_id, nonce, role, address and quantity.

The tables are Arrow tables, so pandas (``table.to_pandas()``), polars (``polars.from_arrow``) and
every other reader of the Arrow C data interface take them as they are. Decimal values are texts in
the chain's stored form, which keeps every digit; float64 values are doubles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from .batch import NumberName
from .epoch import Epoch, Rewarded, Synthesis, ValueBundle
from .results import REWARD_LISTS, REWARD_SCALARS, REWARD_UNITS
from .states import SCALARS, States, state_from_entries

if TYPE_CHECKING:
    from .engine import InferredBatch, RewardedBatch, SettledBatch

__all__ = [
    "COLUMNS",
    "inference_table",
    "losses_table",
    "reward_table",
    "states_from_table",
    "states_table",
]

COLUMNS = ("topic_id", "nonce", "role", "address", "withheld", "label", "quantity", "value")

Row = tuple[int, int, str, str, str, str, str, Any]


def build(rows: Iterator[Row], number: NumberName) -> pa.Table:
    """An Arrow table of long rows."""
    value_type = pa.float64() if number == "float64" else pa.string()
    types = [pa.uint64(), pa.int64(), *[pa.string()] * 5, value_type]
    listed = list(rows)
    arrays = [pa.array([row[i] for row in listed], type=kind) for i, kind in enumerate(types)]
    return pa.table(arrays, names=list(COLUMNS))


def synthesis_rows(epoch: Epoch, network: Synthesis, quantity: str, number: Any) -> Iterator[Row]:
    """Rows of one network inference bundle; `quantity` prefixes the names of its lists."""
    key = (epoch.topic_id, epoch.nonce)

    def labeled(role: str, address: str, withheld: str, name: str, values: Any) -> Iterator[Row]:
        for label, value in zip(epoch.labels, values, strict=True):
            yield (*key, role, address, withheld, label, quantity + name, number(value))

    for name in ("combined", "naive"):
        yield from labeled("network", "", "", name, getattr(network, name))
    for forecaster, values in network.forecast_implied.items():
        yield from labeled("forecaster", forecaster, "", "forecast_implied", values)
    for forecaster, row in network.one_out_inferer_forecaster.items():
        for withheld, values in row.items():
            yield from labeled(
                "forecaster", forecaster, withheld, "one_out_inferer_forecaster", values
            )
    for role, name in (
        ("inferer", "one_out_inferer"),
        ("forecaster", "one_out_forecaster"),
        ("forecaster", "one_in_forecaster"),
    ):
        for address, values in getattr(network, name).items():
            yield from labeled(role, address, "", name, values)
    for role in ("inferer", "forecaster"):
        for name in ("weight", "regret_used"):
            for address, value in getattr(network, f"{role}_{name}").items():
                yield (*key, role, address, "", "", quantity + name, number(value))
        for address, value in getattr(network, f"normalized_{role}_weight").items():
            yield (*key, role, address, "", "", quantity + "normalized_weight", number(value))


def bundle_rows(epoch: Epoch, bundle: ValueBundle, number: Any) -> Iterator[Row]:
    """Rows of one bundle of losses."""
    key = (epoch.topic_id, epoch.nonce)
    for name in ("combined", "naive"):
        value = getattr(bundle, name)
        if value is not None:
            yield (*key, "network", "", "", "", f"{name}_loss", number(value))
    for role, name in (
        ("inferer", "inferer"),
        ("forecaster", "forecaster"),
        ("inferer", "one_out_inferer"),
        ("forecaster", "one_out_forecaster"),
        ("forecaster", "one_in_forecaster"),
    ):
        for address, value in getattr(bundle, name).items():
            quantity = "loss" if name == role else f"{name}_loss"
            yield (*key, role, address, "", "", quantity, number(value))
    for forecaster, row in bundle.one_out_inferer_forecaster.items():
        for withheld, value in row.items():
            quantity = "one_out_inferer_forecaster_loss"
            yield (*key, "forecaster", forecaster, withheld, "", quantity, number(value))


def converter(number: NumberName) -> Any:
    """How a value enters the table: a double, or the stored text."""
    return float if number == "float64" else str


def inference_table(batch: InferredBatch) -> pa.Table:
    """Network inferences of a batch; failed topics have no rows."""

    def rows() -> Iterator[Row]:
        number = converter(batch.epochs.number)
        for at, epoch in enumerate(batch.epochs.epochs):
            if batch.status[at] is None:
                result = batch.topic(at)
                yield from synthesis_rows(epoch, result.network, "", number)
                if result.outlier_resistant is not None:
                    yield from synthesis_rows(
                        epoch, result.outlier_resistant, "outlier_resistant_", number
                    )

    return build(rows(), batch.epochs.number)


def losses_table(batch: SettledBatch) -> pa.Table:
    """Network losses of a batch; failed topics have no rows."""

    def rows() -> Iterator[Row]:
        number = converter(batch.epochs.number)
        for at, epoch in enumerate(batch.epochs.epochs):
            if batch.status[at] is None:
                yield from bundle_rows(epoch, batch.topic(at).network_losses, number)

    return build(rows(), batch.epochs.number)


def reward_rows(epoch: Epoch, rewarded: Rewarded, number: Any) -> Iterator[Row]:
    """Rows of one topic's scores and rewards; coefficients and averages are what is stored."""
    key = (epoch.topic_id, epoch.nonce)
    actors: dict[str, Iterable[str]] = {
        "inferer": epoch.inferences,
        "forecaster": epoch.forecasts,
        "reputer": epoch.reports,
    }
    state = rewarded.state
    for role, taking_part in actors.items():
        stored = {"score_ema": getattr(state, f"{role}_score_ema")}
        if role == "reputer":
            stored["listening_coefficient"] = state.listening_coefficient
        for name in (*REWARD_LISTS[role], *REWARD_UNITS[role]):
            for address, value in getattr(rewarded, name).items():
                quantity = name.removeprefix(f"{role}_")
                yield (*key, role, address, "", "", quantity, number(value))
        for quantity, values in stored.items():
            for address in sorted(taking_part):
                if address in values:
                    yield (*key, role, address, "", "", quantity, number(values[address]))
    for name in REWARD_SCALARS:
        value = getattr(rewarded, name)
        if value is not None:
            yield (*key, "topic", "", "", "", name, number(value))


def reward_table(batch: RewardedBatch) -> pa.Table:
    """Scores and rewards of a batch; topics that could not be started have no rows."""

    def rows() -> Iterator[Row]:
        number = converter(batch.epochs.number)
        for at, epoch in enumerate(batch.epochs.epochs):
            if batch.columns["computed"][at]:
                yield from reward_rows(epoch, batch.topic(at), number)

    return build(rows(), batch.epochs.number)


def role_of(family: str) -> str:
    """Whose number a state's family holds."""
    if family in SCALARS:
        return "topic"
    if family.startswith(("inferer", "naive")) or family.endswith("_inferer_regret"):
        return "inferer"
    if family == "one_in_forecaster_regret":
        return "worker"
    return "forecaster" if "forecaster" in family else "reputer"


def states_table(states: States, nonces: Sequence[int] | None = None) -> pa.Table:
    """Everything the topics carry; `quantity` is the field of `State`.

    Args:
        states: the states.
        nonces: the nonce that each topic's state stands at; 0 where not given.
    """

    def rows() -> Iterator[Row]:
        number = converter(states.number)
        for at, topic_id in enumerate(states.topic_ids):
            for family, withheld, actor, text in states.core.entries(at):
                nonce = nonces[at] if nonces is not None else 0
                key = (topic_id, nonce, role_of(family), actor, withheld, "", family)
                yield (*key, number(text))

    return build(rows(), states.number)


def as_arrow(table: Any) -> pa.Table:
    """An Arrow table of anything that speaks the Arrow C data interface, or of a DataFrame."""
    if isinstance(table, pa.Table):
        return table
    if hasattr(table, "__arrow_c_stream__"):
        return pa.table(table)
    return pa.Table.from_pandas(table, preserve_index=False)


def states_from_table(table: Any, number: NumberName = "decimal") -> States:
    """The inverse of `states_table`, from an Arrow, pandas or polars table.

    Raises:
        ValueError: a column is missing.
    """
    arrow = as_arrow(table)
    wanted = ("topic_id", "address", "withheld", "quantity", "value")
    lacking = [name for name in wanted if name not in arrow.column_names]
    if lacking:
        raise ValueError(f"the table has no column {', '.join(lacking)}; it needs {wanted}")
    columns = [arrow.column(name).to_pylist() for name in wanted]
    topics: dict[int, list[tuple[str, str, str, str]]] = {}
    for topic_id, address, withheld, family, value in zip(*columns, strict=True):
        text = value if isinstance(value, str) else repr(value)
        topics.setdefault(topic_id, []).append((family, withheld, address, text))
    return States.from_states(
        (state_from_entries(topic_id, entries) for topic_id, entries in topics.items()), number
    )
