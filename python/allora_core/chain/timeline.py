"""The life of a nonce: when it opens, which payloads it takes, when it closes, when it is dropped.

A nonce is the height at which its epoch ended. Worker payloads come first, then, once the truth is
known, those of reputers; the reputer nonce closes at an end of the topic's epoch. Every function
here is about one topic and tells heights alone.

Sources: see `allora_core.chain.rules`; block data, sections 1.2 to 1.7.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from .rules import TimelineRules

__all__ = [
    "Lengths",
    "OpenNonces",
    "Span",
    "block_steps",
    "closes_at",
    "due_reputers",
    "due_workers",
    "extra_lag",
    "opened",
    "pruned",
    "records_pruned_to",
    "reputer_opened",
    "reputer_window",
    "worker_can_close",
    "worker_window",
]


class Span(NamedTuple):
    """Heights from first to last, both included."""

    first: int
    last: int

    def __contains__(self, height: object) -> bool:
        return isinstance(height, int) and self.first <= height <= self.last


class Lengths(NamedTuple):
    """A topic's lengths in blocks.

    Attributes:
        epoch_length: L, at least 1.
        ground_truth_lag: G.
        worker_submission_window: W.
    """

    epoch_length: int
    ground_truth_lag: int
    worker_submission_window: int


@dataclass
class OpenNonces:
    """The nonces of a topic that are not fulfilled, newest first.

    Attributes:
        worker: waiting for the close of their worker window.
        reputer: waiting for the close of their reputer window.
    """

    worker: list[int] = field(default_factory=list)
    reputer: list[int] = field(default_factory=list)


def extra_lag(lengths: Lengths) -> int:
    """Return x = (L - G mod L) mod L, the blocks from n + G to the next end of an epoch."""
    return -lengths.ground_truth_lag % lengths.epoch_length


def worker_window(nonce: int, lengths: Lengths, rules: TimelineRules) -> Span:
    """Return the heights at which worker payloads of a nonce are taken."""
    end = nonce + lengths.worker_submission_window
    return Span(nonce, end if rules.worker_window == "closed" else end - 1)


def reputer_window(nonce: int, lengths: Lengths, rules: TimelineRules) -> Span:
    """Return the heights at which reputer payloads of a nonce are taken."""
    known = nonce + lengths.ground_truth_lag
    if rules.reputer_window == "twice_lag":
        return Span(known, known + lengths.ground_truth_lag)
    late = known + extra_lag(lengths)
    first = late if rules.reputer_window == "after_extra_lag" else known
    return Span(first, late + lengths.epoch_length)


def closes_at(nonce: int, lengths: Lengths, rules: TimelineRules) -> int:
    """Return the first height at which an end of the epoch closes the reputer nonce."""
    height = nonce + lengths.ground_truth_lag + lengths.epoch_length
    return height + extra_lag(lengths) if rules.reputer_close == "window_end" else height


def due_workers(nonces: OpenNonces, height: int, lengths: Lengths) -> list[int]:
    """Return the worker nonces whose window is over at this height, oldest first."""
    window = lengths.worker_submission_window
    return [nonce for nonce in reversed(nonces.worker) if nonce + window <= height]


def worker_can_close(
    nonce: int, height: int, epoch_last_ended: int, lengths: Lengths, rules: TimelineRules
) -> bool:
    """Return whether the chain still closes this worker nonce here; else it is only fulfilled."""
    if rules.worker_close == "within_lag":
        return epoch_last_ended < height <= epoch_last_ended + lengths.ground_truth_lag
    return height > nonce


def due_reputers(
    nonces: OpenNonces, height: int, lengths: Lengths, rules: TimelineRules
) -> list[int]:
    """Return the reputer nonces that an end of the epoch at this height closes, newest first."""
    return [nonce for nonce in nonces.reputer if closes_at(nonce, lengths, rules) <= height]


def opened(nonces: Iterable[int], height: int, most: int) -> tuple[list[int], list[int]]:
    """Return the nonces with a new one, and those that it pushes out.

    Args:
        nonces: newest first.
        height: the new nonce.
        most: ``max_unfulfilled_worker_requests`` or ``max_unfulfilled_reputer_requests``.
    """
    listed = [height, *(nonce for nonce in nonces if nonce != height)]
    return listed[:most], listed[most:]


def reputer_opened(nonces: Iterable[int], nonce: int, most: int) -> tuple[list[int], list[int]]:
    """Return the reputer nonces with a new one, and those that it pushes out.

    A nonce enters at the front, whatever its height: it opens when its worker window closes.
    """
    return opened(nonces, nonce, most)


def pruned(
    nonces: OpenNonces, height: int, lengths: Lengths, most_reputers: int
) -> tuple[OpenNonces, list[int]]:
    """Return the nonces that outlive an opening at this height, and the stale ones, ascending.

    Reputer nonces below h - ((most + 1)*L + G) go, worker nonces one epoch length further back.
    """
    bound = height - ((most_reputers + 1) * lengths.epoch_length + lengths.ground_truth_lag)
    if bound <= 0:
        return nonces, []
    kept = OpenNonces(
        [n for n in nonces.worker if n >= bound - lengths.epoch_length],
        [n for n in nonces.reputer if n >= bound],
    )
    dropped = {*nonces.worker, *nonces.reputer} - {*kept.worker, *kept.reputer}
    return kept, sorted(dropped)


def records_pruned_to(nonces: OpenNonces, paid: int, lengths: Lengths, most_epochs: int) -> int:
    """Return the last nonce whose records go once a nonce is paid.

    Args:
        paid: the nonce; it counts where no reputer nonce is open.
        most_epochs: ``min_epoch_length_record_limit``.
    """
    oldest = min(nonces.reputer, default=paid)
    return max(oldest - most_epochs * lengths.epoch_length, 0)


def block_steps(rules: TimelineRules) -> tuple[str, ...]:
    """Return the steps of the end of a block in their order."""
    middle = ("rewards", "worker_windows")
    if rules.block_order == "windows_first":
        middle = ("worker_windows", "rewards")
    return ("stake_removals", "delegate_stake_removals", "topic_weights", "epoch_ends", *middle)
