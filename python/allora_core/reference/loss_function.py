"""The losses that reputers compute from a ground truth y and a value x that is judged.

Nothing here runs on the chain: it takes reported losses as they are. Every method whose formula the
network's arithmetic has is defined digit for digit; ``czar`` needs the arc tangent and has a module
of its own.

Sources: allora-sdk-py, ``src/allora_sdk/loss_methods``; research.allora.network, topics 120 and
155; allora-offchain-node, ``usecase/build_commit_reputer_payload.go`` for the logarithm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Literal

from allora_core.reference.faults import require_finite
from allora_core.reference.functions import exp, ln, log10
from allora_core.reference.functions import power as chain_power
from allora_core.reference.number import (
    ONE,
    TWO,
    ZERO,
    NumberError,
    absolute,
    add,
    multiply,
    negate,
    quotient,
    subtract,
    total,
)
from allora_core.reference.rules import Rules

__all__ = ["ALIASES", "PARAMETERS", "SCALES", "LossFunction", "LossScale", "loss"]

LossScale = Literal["raw", "log10", "log10_floor"]
SCALES: tuple[LossScale, ...] = ("raw", "log10", "log10_floor")

Parameter = Decimal | float | int | str

PARAMETERS: dict[str, dict[str, Decimal | None]] = {
    "sqe": {},
    "abse": {},
    "huber": {"delta": ONE},
    "logcosh": {},
    "bce": {"epsilon": Decimal("1e-15")},
    "poisson": {"epsilon": Decimal("1e-7")},
    "ztae": {"std": None, "mean": ZERO},
    "zptae": {
        "std": None,
        "mean": ZERO,
        "alpha": Decimal("0.25"),
        "beta": TWO,
        "gamma": Decimal(4),
        "penalty_norm": Decimal("0.01"),
    },
    "czar": {
        "std": None,
        "mean": ZERO,
        "alpha": ONE,
        "epsilon": ONE,
        "tau": Decimal("0.05"),
    },
    "cross_entropy": {},
    "brier": {},
}
"""Method -> its parameters with their defaults; None: to be given."""

ALIASES = {
    "": "sqe",
    "mse": "sqe",
    "squared_error": "sqe",
    "se": "sqe",
    "mae": "abse",
    "absolute_error": "abse",
    "ae": "abse",
    "huber_loss": "huber",
    "log_cosh": "logcosh",
    "logcosh_loss": "logcosh",
    "binary_cross_entropy": "bce",
    "bce_loss": "bce",
    "poisson_loss": "poisson",
    "ztae_loss": "ztae",
    "z_transformed_absolute_error": "ztae",
    "zptae_loss": "zptae",
    "z_power_tanh_absolute_error": "zptae",
    "cross-entropy": "cross_entropy",
}
"""Other names of the methods; a topic that names none has the squared error."""

_RANGES: dict[str, tuple[str, Callable[[Decimal], bool]]] = {
    "delta": ("above 0", lambda x: x > 0),
    "std": ("above 0", lambda x: x > 0),
    "beta": ("above 0", lambda x: x > 0),
    "gamma": ("above 0", lambda x: x > 0),
    "penalty_norm": ("at least 0", lambda x: x >= 0),
    "bce epsilon": ("above 0 and below 0.5", lambda x: 0 < x < Decimal("0.5")),
    "poisson epsilon": ("above 0", lambda x: x > 0),
    "czar alpha": ("between 0 and 1", lambda x: 0 <= x <= 1),
}

_FLOOR = Decimal("1e-100")
_ALMOST_NOTHING = Decimal(100)
_SATURATED = Decimal(400)


class LossFunction:
    """A loss by the name that a topic gives it, with its parameters.

    Args:
        method: name or other name, compared after trimming and lower-casing.
        params: the method's parameters. A float stands for its exact value.

    Attributes:
        method: the method's own name.
        params: every parameter of the method.

    Raises:
        ValueError: the method or a parameter is unknown, a parameter is missing (``std`` is not on
            chain: every reputer chooses its own), not finite or out of its range.
    """

    __slots__ = ("method", "params")

    def __init__(self, method: str = "", **params: Parameter) -> None:
        name = method.strip().lower()
        name = ALIASES.get(name, name)
        if name not in PARAMETERS:
            raise ValueError(f"unknown loss method {method!r}; known: {', '.join(PARAMETERS)}")
        defaults = PARAMETERS[name]
        for unknown in params.keys() - defaults.keys():
            known = ", ".join(defaults) or "none"
            raise ValueError(f"loss {name} has no parameter {unknown!r}; it has: {known}")
        self.method = name
        self.params: Mapping[str, Decimal] = {
            key: _checked(name, key, params.get(key, default)) for key, default in defaults.items()
        }

    @property
    def never_negative(self) -> bool:
        """Whether no loss is below 0, so that reputers report its logarithm."""
        return self.method != "poisson"

    @property
    def takes_labels(self) -> bool:
        """Whether truth and value are vectors over the topic's labels."""
        return self.method in ("cross_entropy", "brier")

    def __repr__(self) -> str:
        params = "".join(f", {key}={value}" for key, value in self.params.items())
        return f"LossFunction({self.method!r}{params})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LossFunction) and (self.method, self.params) == (
            other.method,
            other.params,
        )

    def __hash__(self) -> int:
        return hash((self.method, tuple(self.params.items())))


def _checked(method: str, name: str, given: Parameter | None) -> Decimal:
    if given is None:
        raise ValueError(f"loss {method} needs the parameter {name}")
    try:
        value = Decimal(given)
    except InvalidOperation:
        raise ValueError(f"loss {method}: {name} is not a number: {given!r}") from None
    known = _RANGES.get(f"{method} {name}") or _RANGES.get(name)
    if not value.is_finite() or (known and not known[1](value)):
        limits = f", {known[0]}" if known else ""
        raise ValueError(f"loss {method}: {name} must be finite{limits}, not {given}")
    return value


def loss(
    function: LossFunction,
    truth: Sequence[Decimal],
    value: Sequence[Decimal],
    rules: Rules,
    scale: LossScale = "raw",
) -> Decimal:
    """Return the loss of a value; truth and value have one number per label.

    ``raw`` is the loss itself, ``log10`` its logarithm, ``log10_floor`` log10(loss + 1e-100), the
    sum cut to 34 digits, so that losses of a visible size are unchanged.

    Raises:
        NumberError: ``domain`` (an argument outside the method's domain, the logarithm of a loss
            that is not above 0), ``infinite`` (the loss is +infinity), ``several_labels``,
            ``invalid`` (czar), or what the arithmetic says.
    """
    for number in (*truth, *value):
        require_finite(number)
    result = _raw(function, truth, value, rules)
    if scale == "raw":
        return result
    raised = multiply(add(result, _FLOOR), ONE) if scale == "log10_floor" else result
    if raised <= 0:
        raise NumberError("domain")
    return log10(raised, rules)


def _raw(
    function: LossFunction, truth: Sequence[Decimal], value: Sequence[Decimal], rules: Rules
) -> Decimal:
    method, params = function.method, function.params
    if method == "cross_entropy":
        return _cross_entropy(truth, value, rules)
    if method == "brier":
        return total(_squared_error(x, y) for y, x in zip(truth, value, strict=True))
    if len(truth) != 1:
        raise NumberError("several_labels")
    y, x = truth[0], value[0]
    if method == "sqe":
        return _squared_error(y, x)
    if method == "abse":
        return absolute(subtract(x, y))
    if method == "huber":
        return _huber(y, x, params["delta"])
    if method == "logcosh":
        return _log_cosh(y, x, rules)
    if method == "bce":
        return _binary_cross_entropy(y, x, params["epsilon"], rules)
    if method == "poisson":
        return _poisson(y, x, params["epsilon"], rules)
    t = quotient(subtract(y, params["mean"]), params["std"])
    p = quotient(subtract(x, params["mean"]), params["std"])
    if method == "ztae":
        return _z_tanh(t, p, rules)
    if method == "zptae":
        return _z_power_tanh(t, p, params, rules)
    raise NumberError("invalid")


def _squared_error(y: Decimal, x: Decimal) -> Decimal:
    """Return (x - y)^2."""
    e = subtract(x, y)
    return multiply(e, e)


def _huber(y: Decimal, x: Decimal, delta: Decimal) -> Decimal:
    """Return e^2/2 up to delta, beyond it delta*(|e| - delta/2)."""
    e = absolute(subtract(x, y))
    if e <= delta:
        return quotient(multiply(e, e), TWO)
    return multiply(delta, subtract(e, quotient(delta, TWO)))


def _log_cosh(y: Decimal, x: Decimal, rules: Rules) -> Decimal:
    """Return ln cosh e in two forms that lose no digits and cannot overflow.

    |e| <= 1, with m = e^|e| - 1:  ln(1 + m^2 / (2*(m + 1)))
    beyond, with m = e^-2|e| - 1:  |e| + ln(1 + m/2)
    """
    e = absolute(subtract(x, y))
    if e <= 1:
        m = subtract(exp(e, rules), ONE)
        return ln(add(ONE, quotient(multiply(m, m), multiply(TWO, add(m, ONE)))), rules)
    m = subtract(exp(negate(_until_vanishing(multiply(TWO, e))), rules), ONE)
    return add(e, ln(add(ONE, quotient(m, TWO)), rules))


def _binary_cross_entropy(y: Decimal, x: Decimal, epsilon: Decimal, rules: Rules) -> Decimal:
    """Return -(y*ln q + (1 - y)*ln(1 - q)), q = x kept between epsilon and 1 - epsilon.

    What does not lie above epsilon is 0. Certain values are right, 0, or wrong, infinite.
    """
    if not (0 <= y <= 1 and 0 <= x <= 1):
        raise NumberError("domain")
    if y in (0, 1) and x in (0, 1):
        if x == y:
            return ZERO
        raise NumberError("infinite")
    highest = subtract(ONE, epsilon)
    below = x if x < highest else highest
    q = below if below > epsilon else epsilon
    one = multiply(y, ln(q, rules))
    other = multiply(subtract(ONE, y), ln(add(ONE, subtract(ZERO, q)), rules))
    result = subtract(ZERO, add(one, other))
    return ZERO if result <= epsilon else result


def _poisson(y: Decimal, x: Decimal, epsilon: Decimal, rules: Rules) -> Decimal:
    """Return q - y*ln q, q = max(x, epsilon)."""
    if y < 0 or x < 0:
        raise NumberError("domain")
    q = x if x > epsilon else epsilon
    return subtract(q, multiply(y, ln(q, rules)))


def _z_tanh(t: Decimal, p: Decimal, rules: Rules) -> Decimal:
    """Return |tanh t - tanh p| without the difference.

    With a <= b the magnitudes of t and p: 2*g*(1 - e^-2|t - p|) / ((1 + e^-2a)*(1 + e^-2b)), with
    g = e^-2a where t and p have one sign, else 1. Saturated beyond 400: 0.
    """
    one_sign = (t > 0 and p > 0) or (t < 0 and p < 0)
    near, far = (p, t) if absolute(t) > absolute(p) else (t, p)
    a, b = absolute(near), absolute(far)
    if one_sign and a > _SATURATED:
        return ZERO
    apart = multiply(TWO, absolute(subtract(t, p)))
    change = subtract(exp(negate(_until_vanishing(apart)), rules), ONE)
    outer = add(ONE, exp(negate(_until_vanishing(multiply(TWO, b))), rules))
    twice = multiply(TWO, a)
    power = exp(negate(twice if one_sign else _until_vanishing(twice)), rules)
    top = multiply(TWO, power) if one_sign else TWO
    return quotient(multiply(top, subtract(ZERO, change)), multiply(add(ONE, power), outer))


def _z_power_tanh(t: Decimal, p: Decimal, params: Mapping[str, Decimal], rules: Rules) -> Decimal:
    """Return |P(t) - P(p)| + (penalty_norm*|p - t|)^gamma."""
    near = absolute(subtract(_power_tanh(t, params, rules), _power_tanh(p, params, rules)))
    base = multiply(params["penalty_norm"], absolute(subtract(p, t)))
    return add(near, _power(base, params["gamma"], rules)) if base else near


def _power_tanh(v: Decimal, params: Mapping[str, Decimal], rules: Rules) -> Decimal:
    """Return P(v) = v / (1 + |v|^beta)^((1 - alpha)/beta).

    Beyond 1, where the power might overflow:
    sign(v)*|v|^alpha / (1 + |v|^-beta)^((1 - alpha)/beta).
    """
    if not v:
        return ZERO
    size = absolute(v)
    alpha, beta = params["alpha"], params["beta"]
    far = size > 1
    top = _power(size, alpha, rules) if far else size
    base = add(ONE, _power(size, subtract(ZERO, beta) if far else beta, rules))
    result = quotient(top, _power(base, quotient(subtract(ONE, alpha), beta), rules))
    return subtract(ZERO, result) if v < 0 else result


def _cross_entropy(truth: Sequence[Decimal], value: Sequence[Decimal], rules: Rules) -> Decimal:
    """Return -sum_l y_l*ln x_l; a term with y_l = 0 counts nothing, whatever x_l."""
    terms = []
    infinite = False
    for y, x in zip(truth, value, strict=True):
        if y < 0 or x < 0:
            raise NumberError("domain")
        if y and x:
            terms.append(multiply(y, ln(x, rules)))
        infinite = infinite or (y > 0 and not x)
    if infinite:
        raise NumberError("infinite")
    return subtract(ZERO, total(terms))


def _until_vanishing(x: Decimal) -> Decimal:
    """Return x, at most 100: e^-100 beside 1 is below the last digit of any number here."""
    return x if x < _ALMOST_NOTHING else _ALMOST_NOTHING


def _power(x: Decimal, y: Decimal, rules: Rules) -> Decimal:
    """Return x^y for x > 0; the network's own power is wrong for y <= -1."""
    if y < 0:
        return quotient(ONE, chain_power(x, subtract(ZERO, y), rules))
    return chain_power(x, y, rules)
