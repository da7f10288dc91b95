"""From an arithmetic fault somewhere in a formula to an error that names topic, actor and field."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from allora_core.epoch import TopicError
from allora_core.reference.number import NumberError
from allora_core.reference.number_text import bounded
from allora_core.reference.rules import Rules

__all__ = ["located", "require_finite", "require_submittable"]


@contextmanager
def located(topic_id: int, field: str, actor: str = "") -> Iterator[None]:
    """Turn a NumberError inside the block into a TopicError of this place."""
    try:
        yield
    except NumberError as fault:
        raise TopicError(topic_id, actor, field, fault.cause) from fault


def require_finite(x: Decimal) -> None:
    """Refuse missing numbers and infinities."""
    if not x.is_finite():
        raise NumberError("nan" if x.is_nan() else "infinite")


def require_submittable(x: Decimal, rules: Rules) -> None:
    """Refuse what no actor can submit under these rules, by its size too."""
    require_finite(x)
    if rules.submitted_numbers == "bounded":
        bounded(x)
