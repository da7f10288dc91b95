"""Which reading of an open rule a record supports.

Some rules stand in no public source. Each has candidates; the archive is replayed for every
candidate, and the values that then differ from the record are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from ..archive.files import Archive
from ..archive.pieces import pieces_of
from ..chain.replay import Replay, release_of
from ..chain.rules import CHOICES as TIMELINE_CHOICES
from ..chain.rules import Release
from ..reference.rules import CHOICES, VERSIONS
from .compare import Difference, first_difference
from .record import verify_replay

__all__ = ["OPEN", "Candidate", "Settled", "settle"]

OPEN = {
    "missing_one_out_pair": "v0.7",
    "zero_listening_coefficients": "v0.7",
    "reputer_window": "v0.10",
    "reputer_close": "v0.10",
    "topic_weight_storage": "v0.13",
    "scale_filter": "v0.16",
    "initial_regret_c": "v0.16",
    "initial_regret_deviation": "v0.16",
    "first_reputer_score": "v0.16",
    "weight_rounding": "v0.17",
    "no_usable_participant": "v0.17",
    "withheld_forecast": "v0.17",
}
"""Rules without a public source, and the first release in which they are open."""


@dataclass(frozen=True)
class Candidate:
    """One reading of a rule.

    Attributes:
        is_own: whether it is the one that the release is taken to have.
        differing: recorded values that do not follow under it; None where it cannot be replayed.
        first: the first of them.
        fault: why it cannot be replayed.
    """

    value: str
    is_own: bool
    differing: int | None
    first: Difference | None = None
    fault: str = ""


@dataclass(frozen=True)
class Settled:
    """What a record says about one rule."""

    rule: str
    candidates: tuple[Candidate, ...]

    @property
    def supported(self) -> tuple[str, ...]:
        """The candidates under which the fewest values differ."""
        counts = [each.differing for each in self.candidates if each.differing is not None]
        least = min(counts, default=None)
        return tuple(
            each.value
            for each in self.candidates
            if each.differing is not None and each.differing == least
        )

    @property
    def is_met(self) -> bool:
        """Whether all values follow under some candidate."""
        return any(each.differing == 0 for each in self.candidates)

    @property
    def is_settled(self) -> bool:
        """Whether the record tells the candidates apart."""
        return len(self.supported) == 1


def settle(
    archive: Archive,
    topics: Sequence[int] | None = None,
    heights: tuple[int, int] | None = None,
    rules: str = "auto",
    threads: int | None = None,
    seen: Callable[[str, str], None] = lambda rule, value: None,
) -> list[Settled]:
    """Try the candidates of every rule that is open in the archive's release.

    A candidate that fits better is kept while the next rules are tried, and all are tried again
    until none fits better: several rules may be other than they are taken to be.

    Args:
        rules: the release, as of `allora_core.chain.replay`; it decides everything else.
        seen: called with rule and candidate before each replay.

    Returns:
        Every open rule, with what differs under each candidate once the others are settled.

    Raises:
        ValueError: the archive cannot be replayed at all.
    """
    first = archive.ranges[0][0] if heights is None else heights[0]
    own = Release.named(release_of(archive, first, rules))
    trials = Trials(archive, own, topics, heights, threads)
    trials.tried({})
    chosen: dict[str, str] = {}
    while True:
        before, found = dict(chosen), []
        for rule, since in OPEN.items():
            if VERSIONS.index(own.name) >= VERSIONS.index(since):
                found.append(trials.of_rule(rule, chosen, seen))
                if found[-1].is_settled:
                    chosen[rule] = found[-1].supported[0]
        if chosen == before or all(each.is_met for each in found):
            return [*found, block_order(archive, own.timeline.block_order)]


class Trials:
    """Replays of one archive under changed choices, each done once."""

    def __init__(
        self,
        archive: Archive,
        own: Release,
        topics: Sequence[int] | None,
        heights: tuple[int, int] | None,
        threads: int | None,
    ) -> None:
        self.archive, self.own = archive, own
        self.topics, self.heights, self.threads = topics, heights, threads
        self.done: dict[tuple[tuple[str, str], ...], tuple[int, Difference | None]] = {}

    def part(self, rule: str) -> tuple[str, Any]:
        """Which part of a release holds a rule: its name, and the part."""
        return ("formulas" if rule in CHOICES else "timeline"), (
            self.own.formulas if rule in CHOICES else self.own.timeline
        )

    def of_rule(
        self, rule: str, chosen: dict[str, str], seen: Callable[[str, str], None]
    ) -> Settled:
        """All candidates of a rule beside what is chosen for the others."""
        _, part = self.part(rule)
        candidates = []
        for value in (CHOICES if rule in CHOICES else TIMELINE_CHOICES)[rule]:
            is_own = value == getattr(part, rule)
            seen(rule, value)
            try:
                result = self.tried({**chosen, rule: value})
            except ValueError as error:
                candidates.append(Candidate(value, is_own, None, fault=str(error)))
                continue
            candidates.append(Candidate(value, is_own, *result))
        return Settled(rule, tuple(candidates))

    def tried(self, chosen: dict[str, str]) -> tuple[int, Difference | None]:
        """How many values differ under these choices, and the first of them."""
        changes: dict[str, dict[str, str]] = {"formulas": {}, "timeline": {}}
        for rule, value in chosen.items():
            name, part = self.part(rule)
            if value != getattr(part, rule):
                changes[name][rule] = value
        key = tuple(sorted((*changes["formulas"].items(), *changes["timeline"].items())))
        if key not in self.done:
            release = replace(
                self.own,
                formulas=replace(self.own.formulas, **changes["formulas"]),
                timeline=replace(self.own.timeline, **changes["timeline"]),
            )
            run = Replay(
                self.archive,
                topics=self.topics,
                heights=self.heights,
                rules=release,
                threads=self.threads,
            )
            comparisons = verify_replay(self.archive, run, self.topics)
            self.done[key] = (
                sum(each.failed for each in comparisons),
                first_difference(comparisons),
            )
        return self.done[key]


def block_order(archive: Archive, own: str) -> Settled:
    """Whether rewards come before the closing of worker windows, by the order of the events."""
    before = after = 0
    with duckdb.connect() as database:
        for piece in pieces_of(archive):
            database.register("rewards", archive.read("topic_rewards", piece))
            database.register("steps", archive.read("epoch_steps", piece))
            ((earlier, later),) = database.execute(
                "SELECT count(*) FILTER (rewards.at < steps.at), "
                "count(*) FILTER (rewards.at > steps.at) FROM "
                "(SELECT height, min(event_index) AS at FROM rewards GROUP BY height) AS rewards "
                "JOIN (SELECT height, min(event_index) AS at FROM steps "
                "WHERE step = 'worker_committed' GROUP BY height) AS steps USING (height)"
            ).fetchall()
            before, after = before + int(earlier), after + int(later)
    contradicting = {"rewards_first": after, "windows_first": before}
    return Settled(
        "block_order",
        tuple(
            Candidate(value, value == own, contradicting[value])
            for value in TIMELINE_CHOICES["block_order"]
        ),
    )
