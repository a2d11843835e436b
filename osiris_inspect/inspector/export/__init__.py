"""The formats, a module each. Adding one means adding a file: the folder is listed, the name is the module's.

A format has ``render(reports, out, *, width, color, job)``, which writes all reports to a text stream.
"""

import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Protocol, TextIO

from osiris_inspect.inspector.export import formats
from osiris_inspect.inspector.project.source_location import NO_CHECKOUT, RepositoryCheckout
from osiris_inspect.inspector.run.report import Report


@dataclass(frozen=True, slots=True)
class CIContext:
    """The CI job that shows the output.

    Attributes:
        checkout: the repository the job works in, from which files are named.
        token: a word nobody can guess; text of a log stands in a bracket that only this word ends.
    """

    checkout: RepositoryCheckout = NO_CHECKOUT
    token: str = ""


NO_CI = CIContext()


class Renderer(Protocol):
    """What a format does."""

    def __call__(
        self,
        reports: Sequence[Report],
        out: TextIO,
        *,
        width: int = 100,
        color: bool = False,
        ci: CIContext = NO_CI,
    ) -> None:
        """Write the reports.

        ``width`` and ``color`` are for formats that people read, ``job`` for those that a CI system reads; others ignore
        them.
        """


@cache
def format_names() -> tuple[str, ...]:
    """The names of all formats, sorted."""
    names = (
        module.name for module in pkgutil.iter_modules(formats.__path__) if not module.name.startswith("_")
    )
    return tuple(sorted(name.replace("_", "-") for name in names))


def get_renderer(name: str) -> Renderer:
    """The format of that name.

    Raises:
        KeyError: there is none.
    """
    if name not in format_names():
        raise KeyError(name)
    render: Renderer = import_module(f"{formats.__name__}.{name.replace('-', '_')}").render
    return render
