"""The composite zero-agnostic return loss (CZAR), with 180 digits.

It needs the arc tangent, which the network's arithmetic does not have: so these are plain decimals,
accurate to more digits than any other number here, and there is no ``decimal`` form of this loss.
The equations are the published ones, without a thought for rounding.

Sources: research.allora.network, topic 155; allora-sdk-py, ``example_reputer_realistic/czar.py``.
"""

from __future__ import annotations

from decimal import Decimal, localcontext

__all__ = ["czar"]

_DIGITS = 180
_PI = Decimal(
    "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899863"
)
_ZERO, _ONE, _TWO, _THREE = Decimal(0), Decimal(1), Decimal(2), Decimal(3)


def czar(t: Decimal, p: Decimal, alpha: Decimal, epsilon: Decimal, tau: Decimal) -> Decimal:
    """Return B(a, u) + n(a)*A for truth t and value p, both in units of std from the mean.

    a = |t|; u = p on the truth's side of the mean, so that u < 0 is the wrong direction. Of the
    result, at least 40 digits are right.
    """
    with localcontext() as context:
        context.prec = _DIGITS
        delta = alpha / _THREE.sqrt()
        a = abs(t)
        u = -p if t < 0 else p
        return _base(a, u, delta) + _softening(a, delta, epsilon, tau)


def _base(a: Decimal, u: Decimal, delta: Decimal) -> Decimal:
    """Return B: wrong direction, right direction and too small, right direction and too large."""
    d = _ONE + delta * delta
    w = a + delta
    h1 = _TWO * delta / d
    if u <= 0:
        return h1 * u * u / _TWO - u + d * (_atan(w) - _atan(delta))
    if u <= a:
        return d * (_atan(w) - _atan(u + delta))
    h3 = _TWO * d * w / (_ONE + w * w) ** 2
    return min(h1, h3) * (u - a) ** 2 / _TWO + d / (_ONE + w * w) * (u - a)


def _softening(a: Decimal, delta: Decimal, epsilon: Decimal, tau: Decimal) -> Decimal:
    """Return n(a)*A: truths below epsilon count as zero.

    A = D*(atan(epsilon + delta) - atan delta), N = 1 - C(a)/A; n = max(N, 0) for tau <= 0, else
    S(N/te)/S(1/te) with te = tau*|1 - D*(pi/2 - atan delta)/A|, S(v) = ln(1 + e^v).
    """
    if epsilon <= 0:
        return _ZERO
    d = _ONE + delta * delta
    whole = d * (_atan(epsilon + delta) - _atan(delta))
    n = _ONE - d * (_atan(a + delta) - _atan(delta)) / whole
    if tau <= 0:
        return max(n, _ZERO) * whole
    te = tau * abs(_ONE - d * (_PI / _TWO - _atan(delta)) / whole)
    return _softplus(n / te) / _softplus(_ONE / te) * whole


def _softplus(v: Decimal) -> Decimal:
    return max(v, _ZERO) + _log1p((-abs(v)).exp())


def _log1p(x: Decimal) -> Decimal:
    """Return ln(1 + x) for 0 <= x <= 1: of a small x by the first terms of the series."""
    if x < Decimal(10) ** -(_DIGITS // 3):
        return x - x * x / _TWO
    return (_ONE + x).ln()


def _atan(x: Decimal) -> Decimal:
    """Return the arc tangent: four halvings of the angle, then the series."""
    halvings = 4
    for _ in range(halvings):
        x = x / (_ONE + (_ONE + x * x).sqrt())
    square, power, angle, n = x * x, x, x, 1
    smallest = abs(x) * Decimal(10) ** -_DIGITS
    while abs(power) > smallest:
        power *= -square
        n += 2
        angle += power / n
    return angle * Decimal(2**halvings)
