"""What the reputers agree on: their losses as vectors, and the weighted mean of each entry.

Sources: allora-chain v0.6, ``x/emissions/module/rewards/rewards_internal.go``; rewards, sections
5.1 and 5.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import chain

from allora_core.epoch import Report, ValueBundle
from allora_core.reference.number import ONE, ZERO, multiply, negate, quotient, subtract, total

__all__ = ["Column", "consensus", "loss_columns", "most_distant"]

Column = tuple[Decimal | None, ...]
"""One entry of the value bundle: the losses of all reputers, ``None`` where one is missing."""


def loss_columns(reports: Mapping[str, Report]) -> list[Column]:
    """Return the entries that at least one reputer reports, each as its losses by reputer.

    Order: combined, naive, inferers, forecasters, one-out inferers per forecaster, one-out
    inferers, one-out forecasters, one-in forecasters. An entry that nobody reports would be 0
    everywhere and is left out.
    """
    entries = [dict(_entries(report.bundle)) for report in reports.values()]
    order = sorted(set(chain.from_iterable(entries)))
    return [tuple(own.get(name) for own in entries) for name in order]


def _entries(bundle: ValueBundle) -> Iterator[tuple[tuple[int, str, str], Decimal]]:
    """Yield the losses under (list, forecaster or worker, withheld inferer)."""
    for at, loss in enumerate((bundle.combined, bundle.naive)):
        if loss is not None:
            yield (at, "", ""), loss
    for k, row in bundle.one_out_inferer_forecaster.items():
        yield from (((4, k, w), loss) for w, loss in row.items())
    lists = {
        2: bundle.inferer,
        3: bundle.forecaster,
        5: bundle.one_out_inferer,
        6: bundle.one_out_forecaster,
        7: bundle.one_in_forecaster,
    }
    for at, losses in lists.items():
        yield from (((at, worker, ""), loss) for worker, loss in losses.items())


def consensus(column: Column, adjusted: Sequence[Decimal]) -> Decimal:
    """Return c = sum_i (L_i*S_i)/D with D = sum_i S_i, over the reputers with a loss.

    Every term is divided, and so truncated, on its own.

    Raises:
        NumberError: ``div_undefined`` if all of them have the adjusted stake 0.
    """
    reported = [(x, s) for x, s in zip(column, adjusted, strict=True) if x is not None]
    stake = total(s for _, s in reported)
    return total(quotient(multiply(x, s), stake) for x, s in reported)


def most_distant(column: Column, middle: Decimal) -> Decimal:
    """Return the loss L with the greatest signed c - L above -1, the first one on ties, else 0.

    The difference keeps its sign, so this is the least loss. It stands in for a missing one.
    """
    farthest, distance = ZERO, negate(ONE)
    for loss in column:
        if loss is not None and subtract(middle, loss) > distance:
            farthest, distance = loss, subtract(middle, loss)
    return farthest
