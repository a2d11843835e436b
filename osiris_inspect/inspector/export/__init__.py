"""Report formats: one module of ``formats`` each, with ``render``; the name of the module is the name of the format."""

import pkgutil
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import import_module
from typing import NamedTuple, Protocol, TextIO

from osiris_inspect.inspector.export import formats
from osiris_inspect.inspector.project.source_location import NO_CHECKOUT, RepositoryCheckout
from osiris_inspect.inspector.run.report import Report


class CIContext(NamedTuple):
    """The CI job that shows the report.

    Attributes:
        checkout: the repository, to name files relative to its root.
        token: a random word; log text is in a block that only this word ends.
    """

    checkout: RepositoryCheckout = NO_CHECKOUT
    token: str = ""


NO_CI = CIContext()


class Renderer(Protocol):
    """The function ``render`` of a format."""

    def __call__(
        self,
        reports: Sequence[Report],
        out: TextIO,
        *,
        width: int = 100,
        color: bool = False,
        ci: CIContext = NO_CI,
    ) -> None:
        """Write the reports; a format ignores the options that it does not need."""


def write_commands(out: TextIO, lines: Iterable[str]) -> None:
    """Write commands of a CI system; a stream that sanitizes text takes them by its method ``control``."""
    getattr(out, "control", out.write)("".join(f"{line}\n" for line in lines))


@cache
def format_names() -> tuple[str, ...]:
    """Return the names of all formats, sorted."""
    names = (
        module.name for module in pkgutil.iter_modules(formats.__path__) if not module.name.startswith("_")
    )
    return tuple(sorted(name.replace("_", "-") for name in names))


def get_renderer(name: str) -> Renderer:
    """Return the ``render`` of a format.

    Raises:
        KeyError: there is no such format.
    """
    if name not in format_names():
        raise KeyError(name)
    render: Renderer = import_module(f"{formats.__name__}.{name.replace('-', '_')}").render
    return render
