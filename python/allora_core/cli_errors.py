"""How commands tell errors: one message on stderr, exit code 2."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.text import Text

__all__ = ["bad_input", "errors", "show_error"]

errors = Console(stderr=True)


@contextmanager
def bad_input() -> Iterator[None]:
    """Turn what a user can get wrong into one message and exit code 2."""
    try:
        yield
    except (ValueError, OSError) as error:
        show_error(error)
        raise typer.Exit(2) from None


def show_error(error: Exception) -> None:
    """Print an error as it is: brackets in it are no markup."""
    errors.print(Text.assemble(("error: ", "bold red"), str(error)), soft_wrap=True)
