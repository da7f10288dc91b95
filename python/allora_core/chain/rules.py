"""What changed in the life of a nonce from release to release, as named choices.

The timeline reads a choice (``rules.worker_window``), never a version. Choices that no public
source settles are fields as well, with the likeliest reading as the release's value:
:func:`dataclasses.replace` gives another one.

Sources: allora-chain v0.6, ``x/emissions/module/abci.go``, ``module/rewards/topic_rewards.go``,
``keeper/actor_utils/{worker,losses}.go``, ``keeper/msgserver``; later states of the same files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..reference.rules import VERSIONS, Rules, rules_at

__all__ = ["PACKAGES", "UPGRADES", "Release", "TimelineRules", "release_at", "timeline_rules"]


@dataclass(frozen=True, slots=True)
class TimelineRules:
    """The choices of one release; the defaults are those of v0.6.

    W is the topic's worker submission window, G its ground truth lag, L its epoch length, and x the
    blocks from n + G to the next multiple of L after n; n is the nonce.

    Attributes:
        worker_window: worker payloads are taken in [n, n+W) (``half_open``) or [n, n+W]
            (``closed``).
        reputer_window: reputer payloads are taken in [n+G, n+2G] (``twice_lag``), in
            [n+G, n+G+x+L] (``one_epoch``) or in [n+G+x, n+G+x+L] (``after_extra_lag``).
        reputer_close: a reputer nonce is due from n+G+L (``lag_and_epoch``) or from n+G+x+L
            (``window_end``), at an end of the topic's epoch.
        worker_close: a worker nonce can be closed while the last epoch end is fewer than G blocks
            past (``within_lag``) or always (``after_nonce``).
        network_inference: the close of a worker nonce computes none (``on_demand``) or records it
            (``recorded``).
        failed_close: where a close fails, the active sets ``stay`` or are ``emptied``.
        block_order: rewards come before the closing of worker windows (``rewards_first``) or after
            it (``windows_first``).
        whitelists: ``absent``, of ``topics``, or of topics and actors (``roles``). They decide
            which transactions succeed, and only those are inputs: a replay need not look.
        reward_height: the settled rewards name the ``payout`` block alone or the ``nonce`` too.
    """

    worker_window: str = "half_open"
    reputer_window: str = "twice_lag"
    reputer_close: str = "lag_and_epoch"
    worker_close: str = "within_lag"
    network_inference: str = "on_demand"
    failed_close: str = "stay"
    block_order: str = "rewards_first"
    whitelists: str = "absent"
    reward_height: str = "payout"

    def __post_init__(self) -> None:
        """Refuse a misspelt choice here, where it can still be named."""
        for name, values in CHOICES.items():
            value = getattr(self, name)
            if value not in values:
                known = ", ".join(values)
                raise ValueError(f"timeline rule {name}: {value!r} is not one of {known}")


CHOICES: dict[str, tuple[str, ...]] = {
    "worker_window": ("half_open", "closed"),
    "reputer_window": ("twice_lag", "one_epoch", "after_extra_lag"),
    "reputer_close": ("lag_and_epoch", "window_end"),
    "worker_close": ("within_lag", "after_nonce"),
    "network_inference": ("on_demand", "recorded"),
    "failed_close": ("stay", "emptied"),
    "block_order": ("rewards_first", "windows_first"),
    "whitelists": ("absent", "topics", "roles"),
    "reward_height": ("payout", "nonce"),
}

_CHANGES: tuple[tuple[str, dict[str, str]], ...] = (
    ("v0.7", {"whitelists": "topics"}),
    ("v0.8", {"whitelists": "roles"}),
    ("v0.9", {"reward_height": "nonce"}),
    (
        "v0.10",
        {
            "worker_window": "closed",
            "reputer_window": "one_epoch",
            "worker_close": "after_nonce",
            "network_inference": "recorded",
        },
    ),
    ("v0.11", {"failed_close": "emptied"}),
    ("v0.17", {"block_order": "windows_first"}),
)

UPGRADES: tuple[tuple[str, int, str], ...] = (
    ("allora-testnet-1", 5_100_967, "v0.12"),
    ("allora-testnet-1", 7_038_753, "v0.14"),
    ("allora-testnet-1", 9_977_446, "v0.16"),
    ("allora-testnet-1", 10_090_000, "v0.17"),
    ("allora-mainnet-1", 0, "v0.8"),
)
"""Chain, first height known to run it, release: bounds, since no upgrade's own height is recorded.

The testnet gave the events of v0.12 at 5,100,967, answered as v0.14 at 7,038,753, gave late events
of package v9 up to 9,977,446 and those of v10 from 10,090,000 on. Mainnet's genesis is of v0.8.
"""

PACKAGES: dict[str, str] = {
    "v4": "v0.6",
    "v5": "v0.7",
    "v7": "v0.8",
    "v8": "v0.9",
    "v10": "v0.17",
}
"""Event package and the one release that wrote it; package v9 served v0.10 to v0.16."""


def timeline_rules(release: str) -> TimelineRules:
    """Return the life of a nonce in a release, such as ``"v0.17"``.

    Raises:
        ValueError: the release is unknown; the message names the known ones.
    """
    if release not in VERSIONS:
        raise ValueError(f"unknown version {release!r}; known: {', '.join(VERSIONS)}")
    rules = TimelineRules()
    for version, changes in _CHANGES:
        if VERSIONS.index(version) <= VERSIONS.index(release):
            rules = replace(rules, **changes)
    return rules


@dataclass(frozen=True, slots=True)
class Release:
    """One release as the replay uses it.

    Attributes:
        name: such as ``v0.17``.
        formulas: choices of the formulas.
        timeline: choices of the life of a nonce.
    """

    name: str
    formulas: Rules
    timeline: TimelineRules

    @classmethod
    def named(cls, name: str) -> Release:
        """The release of this name.

        Raises:
            ValueError: the name is unknown.
        """
        return cls(name, rules_at(name), timeline_rules(name))


def release_at(
    chain_id: str, height: int, upgrades: Sequence[tuple[str, int, str]] = UPGRADES
) -> str:
    """Return the release that a chain ran at a height.

    Raises:
        ValueError: nothing is known about the chain.
    """
    known = [(first, name) for chain, first, name in upgrades if chain == chain_id]
    reached = [entry for entry in sorted(known) if entry[0] <= height]
    if not reached:
        raise ValueError(f"chain {chain_id}: the release at height {height} is not known; state it")
    return reached[-1][1]
