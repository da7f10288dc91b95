"""Tools to test an engine of your own against the executable specification.

:mod:`allora_core.testing.strategies` (needs the package ``hypothesis``) draws whole histories of a
topic: newcomers, leavers, missing entries, ties, zeros, extreme magnitudes, numbers of up to 300
digits, several labels. :mod:`allora_core.testing.comparison` says where two results first differ.
A property test of an engine is then::

    from hypothesis import given
    from allora_core.epoch import TopicError
    from allora_core.reference import infer, reward, rules_at, settle
    from allora_core.testing import assert_equal, attempt, histories

    RULES = rules_at("v0.17")

    @given(histories(RULES))
    def test_engine_is_the_specification(history):
        state = history.state
        for epoch in history.epochs:
            expected = attempt(infer, epoch, state, RULES)
            assert_equal(expected, attempt(my_infer, epoch, state), epoch)
            if isinstance(expected, TopicError):
                return
            settled = attempt(settle, epoch, expected.state, RULES)
            assert_equal(settled, attempt(my_settle, epoch, expected.state), epoch)
            if isinstance(settled, TopicError):
                return
            rewarded = attempt(reward, epoch, settled.network_losses, settled.state, RULES)
            assert_equal(rewarded, attempt(my_reward, epoch, settled), epoch)
            if isinstance(rewarded, TopicError):
                return
            state = rewarded.state

A history is valid input, but a topic may still fail on it, for instance where every weight
underflows to 0: the fault is then the expected result, and its cause is compared. Engines in
binary64 pass ``relative`` and ``absolute`` tolerances, which hold for whole base units as well.

:mod:`allora_core.testing.block_writer` writes histories as the block data that a node of a release
would serve: transactions, results, events, genesis.
"""

from __future__ import annotations

from typing import Any

from allora_core.testing.comparison import assert_equal, attempt, first_difference

__all__ = ["assert_equal", "attempt", "first_difference", "histories", "topics"]


def __getattr__(name: str) -> Any:
    """Import the strategies only when asked for: comparing needs no hypothesis."""
    if name in ("histories", "topics"):
        from allora_core.testing import strategies

        return getattr(strategies, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
