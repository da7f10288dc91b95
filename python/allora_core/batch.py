"""Batches of topics as columns: what the compiled engine reads.

Ragged between topics (offsets with one entry more than topics), dense within a topic, every list of
actors in ascending address order, as on the chain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from itertools import chain
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from . import _core
from .epoch import Epoch, Params, Report, TopicError, ValueBundle

__all__ = ["DECIMAL_DTYPE", "DecimalArray", "Epochs", "NumberName", "Numbers"]

NumberName = Literal["decimal", "float64"]
"""The two kinds of numbers: exact like the chain, or IEEE double precision."""

DECIMAL_DTYPE = _core.DECIMAL_DTYPE
"""Structured dtype of one decimal: coefficient (4 x uint64, little endian), exponent, negative,
form (0 finite, 1 missing, 5 long) and cause; the same 40 bytes as the C struct."""

PARAM_NAMES = tuple(field.name for field in fields(Params))


class DecimalArray:
    """A flat array of decimals: a structured NumPy array and the pool of its long values.

    Values of up to 77 digits live in the array itself. Longer ones live in the pool, and the array
    holds their place: no digit is lost however many there are.
    """

    __slots__ = ("pool", "values")

    def __init__(self, values: npt.NDArray[np.void], pool: _core.LongDecimals | None = None):
        self.values = values
        self.pool = pool

    @classmethod
    def from_texts(cls, texts: Sequence[str | None]) -> DecimalArray:
        """Parse texts as the chain does; ``None`` is a missing value.

        Raises:
            DecimalError: a text is not a number, with the code of the chain's error.
        """
        return cls(*_core.parse_decimals(list(texts)))

    def texts(self, plain: bool = False) -> list[str | None]:
        """The values as text: stored (scientific, keeps the form) or plain; missing is None."""
        return _core.format_decimals(self.values, self.pool, plain)

    def decimals(self) -> list[Decimal | None]:
        """The values as `decimal.Decimal`, written form included."""
        return [None if text is None else Decimal(text) for text in self.texts()]

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, at: slice | list[int] | npt.NDArray[Any]) -> DecimalArray:
        return DecimalArray(self.values[at], self.pool)


Numbers: TypeAlias = "npt.NDArray[np.float64] | DecimalArray"


def make_numbers(number: NumberName, values: Sequence[Decimal | None]) -> Numbers:
    """A column of the engine's numbers; float64 takes the double nearest to each decimal."""
    if number == "float64":
        column = np.array([np.nan if value is None else float(value) for value in values])
        column.view(np.uint64)[[value is None for value in values]] = _core.MISSING_FLOAT64_BITS
        return column
    return DecimalArray.from_texts([None if value is None else str(value) for value in values])


def read_numbers(column: Numbers) -> list[Decimal | None]:
    """Back to decimals: a float64 gives the exact value of the double, a missing entry None."""
    if isinstance(column, DecimalArray):
        return column.decimals()
    return [None if value != value else Decimal(value) for value in column.tolist()]


@dataclass(frozen=True, slots=True)
class Ragged:
    """Lists of actors per topic: identifiers, and where each topic's part begins."""

    offsets: npt.NDArray[np.int64]
    actors: npt.NDArray[np.uint32]
    addresses: list[list[str]]

    @classmethod
    def of(cls, addresses: list[list[str]]) -> Ragged:
        counts = [len(part) for part in addresses]
        return cls(
            offsets_of(counts), _core.intern(list(chain.from_iterable(addresses))), addresses
        )


def offsets_of(counts: Iterable[int]) -> npt.NDArray[np.int64]:
    """Begin of each part, and the end of the last."""
    return np.concatenate([[0], np.cumsum(np.fromiter(counts, np.int64), dtype=np.int64)])


def bundle_width(inferers: int, forecasters: int) -> int:
    """Slots of a value bundle: 2 + 2I + 3F + F*I."""
    return 2 + 2 * inferers + 3 * forecasters + forecasters * inferers


def accepted_entries(bundle: ValueBundle, epoch: Epoch) -> ValueBundle:
    """The entries about the nonce's active actors; of the rest the chain keeps nothing.

    Source: allora-chain v0.11, x/emissions/keeper/actor_utils/losses.go.
    """
    inferers, forecasters = epoch.inferences, epoch.forecasts

    def keep(entries: dict[str, Decimal], active: Any) -> dict[str, Decimal]:
        return {actor: loss for actor, loss in entries.items() if actor in active}

    inferer = keep(bundle.inferer, inferers)
    rows = {
        forecaster: keep(row, inferers)
        for forecaster, row in bundle.one_out_inferer_forecaster.items()
        if forecaster in forecasters
    }
    return ValueBundle(
        combined=bundle.combined,
        naive=bundle.naive,
        inferer=inferer,
        forecaster=keep(bundle.forecaster, forecasters),
        one_out_inferer=keep(bundle.one_out_inferer, inferers) if len(inferer) > 1 else {},
        one_out_forecaster=keep(bundle.one_out_forecaster, forecasters),
        one_in_forecaster=keep(bundle.one_in_forecaster, forecasters),
        one_out_inferer_forecaster={f: row for f, row in rows.items() if row},
    )


def bundle_row(
    bundle: ValueBundle, inferers: Sequence[str], forecasters: Sequence[str]
) -> Iterator[Decimal | None]:
    """One reputer's losses in the order of the value bundle's slots; None where it has none."""
    yield bundle.combined
    yield bundle.naive
    yield from (bundle.inferer.get(j) for j in inferers)
    yield from (bundle.forecaster.get(k) for k in forecasters)
    for k in forecasters:
        row = bundle.one_out_inferer_forecaster.get(k, {})
        yield from (row.get(w) for w in inferers)
    yield from (bundle.one_out_inferer.get(w) for w in inferers)
    yield from (bundle.one_out_forecaster.get(q) for q in forecasters)
    yield from (bundle.one_in_forecaster.get(q) for q in forecasters)


class Epochs:
    """A batch of epochs, one per topic, packed once for `infer`, `settle` and `reward` alike.

    Attributes:
        number: kind of its numbers.
        epochs: the epochs it was made of.
        inferers, forecasters, reputers: their actors.
        columns: the arrays the engine reads (see `allora_core._core.infer`).
        faults: topics that could not be packed, by position; the engine leaves them out.
    """

    __slots__ = ("columns", "epochs", "faults", "forecasters", "inferers", "number", "reputers")

    def __init__(self, number: NumberName, epochs: Sequence[Epoch]) -> None:
        self.number = number
        self.epochs = list(epochs)
        self.faults: dict[int, TopicError] = {}
        self.inferers = Ragged.of([sorted(epoch.inferences) for epoch in self.epochs])
        self.forecasters = Ragged.of([sorted(epoch.forecasts) for epoch in self.epochs])
        self.reputers = Ragged.of([sorted(self._reports(epoch)) for epoch in self.epochs])
        self.columns = self._pack()

    @classmethod
    def from_epochs(cls, epochs: Iterable[Epoch], number: NumberName = "decimal") -> Epochs:
        """Pack epochs of different topics; numbers keep their written form in ``decimal``."""
        return cls(number, list(epochs))

    @classmethod
    def from_columns(
        cls,
        number: NumberName,
        epochs: Sequence[Epoch],
        inferers: Ragged,
        forecasters: Ragged,
        reputers: Ragged,
        columns: dict[str, Any],
    ) -> Epochs:
        """A batch whose columns are made already.

        Args:
            number: kind of its numbers.
            epochs: topic, nonce and labels of each; what else they hold is not looked at.
            inferers, forecasters, reputers: the actors, in address order within a topic.
            columns: as the attribute.
        """
        made = cls.__new__(cls)
        made.number, made.epochs, made.faults = number, list(epochs), {}
        made.inferers, made.forecasters, made.reputers = inferers, forecasters, reputers
        made.columns = columns
        return made

    def __len__(self) -> int:
        return len(self.epochs)

    @staticmethod
    def _reports(epoch: Epoch) -> dict[str, Report]:
        def own(report: Report) -> bool:
            return report.nonce in (None, epoch.nonce) and report.topic_id in (None, epoch.topic_id)

        return {m: report for m, report in epoch.reports.items() if own(report)}

    def foreign_report(self, at: int) -> str | None:
        """A reputer whose report is about another topic or nonce, if there is one."""
        own = self._reports(self.epochs[at])
        return next((m for m in sorted(self.epochs[at].reports) if m not in own), None)

    def _pack(self) -> dict[str, Any]:
        epochs, number = self.epochs, self.number
        inferers, forecasters = self.inferers.addresses, self.forecasters.addresses
        values: list[Decimal | None] = []
        elements: list[tuple[str, Decimal]] = []
        element_counts: list[int] = []
        stakes: list[Decimal | None] = []
        delegated: list[Decimal | None] = []
        reports: list[Decimal | None] = []
        params: list[Decimal | None] = []
        for at, epoch in enumerate(epochs):
            for j in inferers[at]:
                given = epoch.inferences[j]
                unknown = set(given) - set(epoch.labels)
                if unknown:
                    label = min(unknown)
                    self.faults[at] = TopicError(epoch.topic_id, j, "inference", "label", label)
                values.extend(given.get(label) for label in epoch.labels)
            for k in forecasters[at]:
                elements.extend(epoch.forecasts[k])
                element_counts.append(len(epoch.forecasts[k]))
            for m in self.reputers.addresses[at]:
                stakes.append(epoch.reports[m].stake)
                delegated.append(epoch.reports[m].delegated)
                bundle = accepted_entries(epoch.reports[m].bundle, epoch)
                reports.extend(bundle_row(bundle, inferers[at], forecasters[at]))
            params.extend(getattr(epoch.params, name) for name in PARAM_NAMES)
        widths = [bundle_width(len(i), len(f)) for i, f in zip(inferers, forecasters, strict=True)]
        reputers = np.diff(self.reputers.offsets)
        columns: dict[str, Any] = {
            "topic_id": np.array([epoch.topic_id for epoch in epochs], np.uint64),
            "nonce": np.array([epoch.nonce for epoch in epochs], np.int64),
            "labels": np.array([len(epoch.labels) for epoch in epochs], np.int32),
            "inferer_offsets": self.inferers.offsets,
            "inferer": self.inferers.actors,
            "value_offsets": offsets_of(
                len(i) * len(epoch.labels) for i, epoch in zip(inferers, epochs, strict=True)
            ),
            "forecaster_offsets": self.forecasters.offsets,
            "forecaster": self.forecasters.actors,
            "element_offsets": offsets_of(element_counts),
            "element_inferer": _core.intern([inferer for inferer, _ in elements]),
            "reputer_offsets": self.reputers.offsets,
            "reputer": self.reputers.actors,
            "inference_row_offsets": offsets_of(
                width * len(epoch.labels) for width, epoch in zip(widths, epochs, strict=True)
            ),
            "loss_row_offsets": offsets_of(widths),
            "report_offsets": offsets_of(int(r) * w for r, w in zip(reputers, widths, strict=True)),
        }
        numbers: dict[str, list[Decimal | None]] = {
            "inferences": values,
            "element_losses": [loss for _, loss in elements],
            "stakes": stakes,
            "reports": reports,
            "params": params,
            "initial_regret": [epoch.initial_regret for epoch in epochs],
            "delegated": delegated,
            "reward": [epoch.reward for epoch in epochs],
        }
        for name, column in numbers.items():
            columns[name] = as_column(make_numbers(number, column))
        return columns


def as_column(numbers: Numbers) -> Any:
    """The form in which the compiled engine takes a column of numbers."""
    return (numbers.values, numbers.pool) if isinstance(numbers, DecimalArray) else numbers


def from_column(column: Any) -> Numbers:
    """The inverse of `as_column`."""
    return DecimalArray(*column) if isinstance(column, tuple) else column
