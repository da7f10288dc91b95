"""
The compiled engine of allora_core; use it through allora_core.
"""

from __future__ import annotations
import collections.abc
import numpy
import numpy.dtypes
import numpy.typing
import typing

__all__: list[str] = [
    "CAUSES",
    "DECIMAL_DTYPE",
    "Device",
    "DeviceColumn",
    "Host",
    "LOSS_PARAMS",
    "LongDecimals",
    "MISSING_FLOAT64_BITS",
    "PayloadRows",
    "Resident",
    "States",
    "apply_float64",
    "cuda_report",
    "decimal_operation",
    "decode_transactions",
    "emission_block",
    "fill_reports",
    "fixed18_operation",
    "format_decimals",
    "infer",
    "intern",
    "losses",
    "open_device",
    "parse_decimals",
    "reward",
    "rules_at",
    "settle",
    "submit",
    "time_decimal_operation",
    "time_float64",
    "topic_block",
    "variant",
]

class LongDecimals:
    """
    Decimals of more than 77 digits beside an array.
    """
    def __len__(self) -> int: ...

class States:
    """
    States of a batch of topics; immutable.
    """
    @staticmethod
    def from_bytes(data: bytes) -> States: ...
    def __init__(
        self,
        number: str,
        topic_ids: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    ) -> None: ...
    def __len__(self) -> int: ...
    def averages(
        self,
        role: str,
        offsets: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
        actors: typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
    ) -> tuple:
        """
        Average scores and heights of actors (missing, 0: none stored), and per topic the quantile and the initial score.
        """
    def entries(
        self, at: typing.SupportsInt | typing.SupportsIndex
    ) -> list[tuple[str, str, str, str]]:
        """
        (family, withheld actor, actor, stored text) of every value of one topic.
        """
    def join(self, others: States) -> States:
        """
        These states, and the others after them.
        """
    def list_column(
        self,
        family: str,
        offsets: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
        actors: typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
    ) -> typing.Any:
        """
        One family's numbers of actors, topic by topic; missing: none stored.
        """
    def put(
        self,
        positions: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
        others: States,
    ) -> States:
        """
        A copy with other states at these positions.
        """
    def scalar_column(self, family: str) -> typing.Any:
        """
        One number per topic.
        """
    def take(
        self, positions: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]
    ) -> States: ...
    def to_bytes(self) -> bytes: ...
    def with_averages(
        self,
        role: str,
        offsets: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
        actors: typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
        columns: dict,
    ) -> States:
        """
        A copy with these average scores (column score) and heights (column height); a missing score leaves the actor as it is.
        """
    def with_entries(
        self,
        at: typing.SupportsInt | typing.SupportsIndex,
        entries: collections.abc.Sequence[tuple[str, str, str, str]],
    ) -> States:
        """
        A copy whose topic at this position holds exactly these entries.
        """
    @property
    def number(self) -> str: ...
    @property
    def topic_ids(self) -> list[int]: ...

class Device:
    """
    What computes whole topics beside the host: a CUDA device, or "emulated", its kernels' bodies run by the host.
    """
    @property
    def finished(self) -> int:
        """
        Topics that it finished so far.
        """
    @property
    def fullest(self) -> float:
        """
        The largest part of its room that a topic used; 0: not known.
        """
    @property
    def left(self) -> int:
        """
        Topics that it left to the host so far.
        """
    @property
    def milliseconds(self) -> float:
        """
        What the kernels of the last call took; 0: not measured.
        """

class Host:
    """
    Threads of the engine; 0: as many as this process may use.
    """
    def __init__(self, threads: typing.SupportsInt | typing.SupportsIndex = 0) -> None: ...
    @property
    def threads(self) -> int: ...

class DeviceColumn:
    """
    A column in a device's memory, as __cuda_array_interface__ shows it.
    """
    def __len__(self) -> int: ...
    @property
    def __cuda_array_interface__(self) -> typing.Any: ...

class Resident:
    """
    A float64 batch whose states live on a device; use it through allora_core.Resident.
    """
    def __init__(
        self, rules: dict, host: Host, device: Device, columns: dict, states: States
    ) -> None: ...
    def column(self, name: str) -> DeviceColumn:
        """
        A result of the last epoch, where it stands on the device.
        """
    def epoch(self, inputs: dict, outputs: dict, stream: typing.Any) -> None:
        """
        Puts an epoch of all topics on the stream; waits for nothing.
        """
    def names(self, inputs: bool) -> list:
        """
        Names of inputs or results.
        """
    def read(self, name: str) -> numpy.ndarray:
        """
        A result of the last epoch, copied.
        """
    def states(self) -> typing.Any:
        """
        The states now, copied.
        """
    def status(self, moment: str) -> list:
        """
        Per topic None or (actor, field, cause), of infer, settle or reward.
        """
    def wait(self) -> None:
        """
        Waits for the device.
        """
    @property
    def milliseconds(self) -> float:
        """
        What the kernels of the last epoch took; 0: not measured. Waits.
        """
    @property
    def moved(self) -> dict:
        """
        Bytes: held on the device, moved in and out so far.
        """

class PayloadRows:
    """
    An archive's rows of payloads on their way into submissions.
    """
    def __init__(self, number: str, names: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    def finish(self, ranks: typing.Annotated[numpy.typing.ArrayLike, numpy.int64]) -> dict:
        """
        Everything taken, as payloads in the order of topic, chain, address (by the ranks of codes) and nonce: topic, nonce, height, transaction, message, actor, begin and end of each; codes by name and values of their rows. Nothing is kept.
        """
    def take(
        self,
        batch: typing.Any,
        tables: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.int32]],
        first: typing.SupportsInt | typing.SupportsIndex,
        last: typing.SupportsInt | typing.SupportsIndex,
    ) -> list[int]:
        """
        Adds the rows of an Arrow batch from the first to the last height. Its columns: topic, nonce, height, transaction, message, value, then dictionaries: actor, source and the names. Tables give the code of each entry of these; 1 is the source of an event. Returns the rows whose value is no number of the chain.
        """

def apply_float64(
    function: str,
    x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    y: typing.Annotated[numpy.typing.ArrayLike, numpy.float64] | None = None,
    device: str = "cpu",
) -> numpy.typing.NDArray[numpy.float64]:
    """
    function(x) or pow(x, y) of float64 arrays: the same bits on every device. ValueError: an unknown function or device. RuntimeError: the device failed.
    """

def cuda_report() -> dict:
    """
    built, build (nvcc and architectures), reason (why there is no device) and devices: device, name, capability, multiprocessors, memory in bytes.
    """

def decimal_operation(rules: str, op: str, args: collections.abc.Sequence[str]) -> str:
    """
    One operation on stored texts (lists as [a;b]): 'result' or 'error', a tab, and the stored text or the code of the chain's error.
    """

def decode_transactions(transactions: collections.abc.Sequence) -> list:
    """
    The transactions' messages as columns: for each part of the rows a dict of tables, (rows, columns), a column being (name, type, nulls, Arrow buffers).
    """

def emission_block(
    rules: dict,
    texts: collections.abc.Mapping[str, str],
    height: typing.SupportsInt | typing.SupportsIndex,
    emission_start: typing.SupportsInt | typing.SupportsIndex,
    months_unlocked: typing.SupportsInt | typing.SupportsIndex,
    emission_enabled: bool,
    blocks_per_month: typing.SupportsInt | typing.SupportsIndex,
) -> typing.Any:
    """
    What a block mints, as texts by name, or (field, cause).
    """

def fill_reports(
    number: str, columns: dict, actors: typing.SupportsInt | typing.SupportsIndex
) -> typing.Any:
    """
    Reports in the slots of their closes' value bundles, reports x width each.
    """

def fixed18_operation(op: str, x: str, y: str) -> str:
    """
    add, sub, mul, quo or truncate on texts of the mint's fixed-point numbers: the stored text, or the code of the fault.
    """

def format_decimals(
    values: numpy.ndarray, pool: typing.Any, plain: bool = False
) -> list[str | None]:
    """
    Stored or plain texts; None for missing.
    """

def infer(
    number: str,
    rules: dict,
    host: Host,
    columns: dict,
    states: States,
    device: Device | None = None,
) -> tuple:
    """
    Network inferences of a batch: (columns, status per topic, states).
    """

def intern(addresses: collections.abc.Sequence[str]) -> numpy.typing.NDArray[numpy.uint32]:
    """
    Identifiers of addresses, uint32.
    """

def losses(
    number: str,
    decimal_functions: str,
    host: Host,
    kinds: collections.abc.Sequence[tuple[str, str]],
    columns: dict,
) -> tuple:
    """
    Losses of rows of values against their truths, part by part: (losses, causes), the latter indices into CAUSES. kinds: (method, scale) per part.
    """

def open_device(name: str) -> Device | None:
    """
    The device 'cuda:0' or 'emulated', or None for 'cpu'. ValueError: there is no such device. RuntimeError: it could not be opened.
    """

def parse_decimals(texts: collections.abc.Sequence[str | None]) -> tuple:
    """
    Texts, or None for missing, to (array of DECIMAL_DTYPE, LongDecimals). ValueError: a text is not a number.
    """

def reward(
    number: str,
    rules: dict,
    host: Host,
    columns: dict,
    settled: dict,
    states: States,
    device: Device | None = None,
) -> tuple:
    """
    Scores and rewards of a batch after its network losses: (columns, status, states).
    """

def rules_at(version: str) -> dict:
    """
    The rules of a version, by the names of `Rules`.
    """

def settle(
    number: str,
    rules: dict,
    host: Host,
    columns: dict,
    states: States,
    device: Device | None = None,
) -> tuple:
    """
    Network losses of a batch and the states they lead to: (columns, status, states).
    """

def submit(number: str, rules: dict, host: Host, columns: dict) -> tuple:
    """
    Submissions to many active sets: (columns, status per submission).
    """

def time_decimal_operation(
    op: str,
    a: collections.abc.Sequence[str],
    b: collections.abc.Sequence[str],
    repeats: typing.SupportsInt | typing.SupportsIndex,
) -> tuple:
    """
    (nanoseconds per operation, stored texts of the results) of add, mul, quo, sqrt, exp or ln over pairs of operands.
    """

def time_float64(
    function: str,
    x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    y: typing.Annotated[numpy.typing.ArrayLike, numpy.float64] | None,
    device: str,
    repeats: typing.SupportsInt | typing.SupportsIndex,
) -> float:
    """
    Milliseconds of the fastest of `repeats` passes over arrays on a CUDA device.
    """

def topic_block(
    number: str,
    rules: dict,
    host: Host,
    verb: str,
    columns: dict,
    chosen: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
) -> tuple:
    """
    end_block, activate or inactivate over a table of topics: (columns, status).
    """

def variant() -> str:
    """
    The instruction set that float64 runs with: base, avx2 or avx512. ValueError: ALLORA_CORE_VARIANT asks for one that is unknown or that this processor lacks.
    """

CAUSES: list = [
    "none",
    "nan",
    "range",
    "div_zero",
    "div_undefined",
    "div_impossible",
    "invalid",
    "overflow",
    "underflow",
    "fractional",
    "int64_overflow",
    "non_integral",
    "parse",
    "infinite",
    "rounded",
    "domain",
    "infinite_arg",
    "out_of_range",
    "length",
    "negative_places",
    "does_not_fit",
    "no_inference",
    "no_usable_participant",
    "no_regret",
    "no_report",
    "wrong_nonce",
    "zero_stake",
    "zero_weight",
    "missing_value",
    "several_labels",
    "duplicate_address",
    "unsorted_address",
    "negative_stake",
    "unknown_topic",
    "no_score",
    "negative_amount",
    "delegated_exceeds_stake",
]
DECIMAL_DTYPE: numpy.dtypes.VoidDType
LOSS_PARAMS: list = [
    "delta",
    "epsilon",
    "std",
    "mean",
    "alpha",
    "beta",
    "gamma",
    "penalty_norm",
    "tau",
]
MISSING_FLOAT64_BITS: int = 9221120239743273472
