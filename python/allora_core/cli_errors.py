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
    message = str(error)
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        # The operating system's own text begins with a number and ends with the name.
        message = f"{error.filename}: {error.strerror}"
    errors.print(Text.assemble(("error: ", "bold red"), message), soft_wrap=True)
