"""The formats, a module each. Adding one means adding a file: the folder is listed, the name is the module's.

A format has ``render(reports, out, *, width, color)``, which writes all reports to a text stream.
"""

import pkgutil
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Protocol, TextIO

from osiris_inspect.inspector.report import Report


class Render(Protocol):
    """What a format does."""

    def __call__(self, reports: Sequence[Report], out: TextIO, *, width: int = 100, color: bool = False) -> None:
        """Write the reports. ``width`` and ``color`` are for formats that people read; others ignore them."""


@cache
def formats() -> tuple[str, ...]:
    """The names of all formats, sorted."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")))


def renderer(name: str) -> Render:
    """The format of that name.

    Raises:
        KeyError: there is none.
    """
    if name not in formats():
        raise KeyError(name)
    render: Render = import_module(f"{__name__}.{name}").render
    return render
