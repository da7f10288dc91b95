"""Derives every constant of cpp/number/float64_*.hpp from its definition, in 60 digits.

Polynomials interpolate at Chebyshev's nodes: nearly the best possible ones, by one linear system.
Run it to print the constants; the test compares them with the ones written in the headers.
"""

from collections.abc import Callable

import mpmath
from mpmath import mp, mpf

DIGITS = 60
# ln 2 in pieces: k * high is exact for |k| < 2^12, because high is a multiple of 2^-41.
HIGH_BITS = 41
# The interval is widened a little: the nearest k is chosen by a rounded product.
SLACK = 1 + mpf(2) ** -20


def exponential_tail(r: mpf) -> mpf:
    """(e^r - 1 - r - r^2/2) / r^3 as its series, which has no cancellation."""
    return mpmath.fsum(r**n / mpmath.factorial(n + 3) for n in range(40))


def logarithm_tail(first: int) -> Callable[[mpf], mpf]:
    """Terms of (ln((1+s)/(1-s)) - 2s) / s from z^first on, divided by z^first, z = s^2."""
    return lambda z: mpmath.fsum(2 * z**n / (2 * (n + first) + 1) for n in range(60))


def fit(function: Callable[[mpf], mpf], interval: tuple[mpf, mpf], count: int) -> list[float]:
    """Coefficients of the polynomial of `count` terms, lowest power first."""
    middle, half = (interval[0] + interval[1]) / 2, (interval[1] - interval[0]) / 2
    nodes = [middle + half * mpmath.cospi((i + mpf(1) / 2) / count) for i in range(count)]
    powers = mpmath.matrix([[node**n for n in range(count)] for node in nodes])
    solved = mpmath.lu_solve(powers, mpmath.matrix([function(node) for node in nodes]))
    return [float(coefficient) for coefficient in solved]


def pieces(value: mpf) -> tuple[float, float]:
    high = mpmath.floor(mpmath.ldexp(value, HIGH_BITS)) / mpf(2) ** HIGH_BITS
    return float(high), float(value - high)


def pair(value: mpf) -> tuple[float, float]:
    high = float(value)
    return high, float(value - mpf(high))


def constants() -> dict[str, list[float]]:
    """Name of the constant in the headers -> its value or values, as float64."""
    mp.dps = DIGITS
    half_step = mpmath.log(2) / 2 * SLACK
    root = mpmath.sqrt(2)
    z_largest = ((root - 1) / (root + 1)) ** 2 * SLACK
    scalars = {
        "inverse_ln_2": [float(1 / mpmath.log(2))],
        "exp_coefficient": fit(exponential_tail, (-half_step, half_step), 10),
        "log_coefficient": fit(logarithm_tail(1), (mpf(0), z_largest), 7),
        "log_pair_coefficient": fit(logarithm_tail(3), (mpf(0), z_largest), 8),
        "half_root_2": [float(root / 2)],
    }
    split = {
        "ln_2": pieces(mpmath.log(2)),
        "log10_2": pieces(mpmath.log10(2)),
        "two_thirds": pair(mpf(2) / 3),
        "two_fifths": pair(mpf(2) / 5),
        "inverse_ln_2_pair": pair(1 / mpmath.log(2)),
        "inverse_ln_10": pair(1 / mpmath.log(10)),
    }
    halves = {
        f"{name}_{part}": [number]
        for name, values in split.items()
        for part, number in zip(("high", "low"), values, strict=True)
    }
    return scalars | halves


def pair_constants() -> dict[str, list[tuple[float, float]]]:
    """Name of the constant in float64_pair*.hpp -> its value or values, as pairs of float64."""
    mp.dps = DIGITS
    return {
        "sixth": [pair(mpf(1) / 6)],
        "half_pi": [pair(mp.pi / 2)],
        "third": [pair(mpf(1) / 3)],
        "fifth": [pair(mpf(1) / 5)],
        "seventh": [pair(mpf(1) / 7)],
        "atan_of_sixteenths": [pair(mpmath.atan(mpf(j) / 16)) for j in range(17)],
    }


if __name__ == "__main__":
    for name, values in constants().items():
        print(name, *(value.hex() for value in values), sep="\n  ")
