"""The checked-in stubs say what the compiled module has."""

from stubs import STUBS, generated


def test_stubs_are_current() -> None:
    assert STUBS.read_text() == generated()
