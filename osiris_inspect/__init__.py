"""Run DataFrame pipelines locally or in a sandbox, and see why a run failed.

```
            cli ───────────────┐          imports point down, never sideways between the wings,
             │                 │          never up; import-linter checks it on every push
            tui                │
             │                 ▼
        inspector     |     runtime
             └────►  model  ◄───┘
```

The runtime makes runs, the inspector reads them, and the only bridge between the two is the run directory on disk.
The public names below are resolved when they are asked for, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from osiris_inspect.inspector.analysis.analyze import analyze
    from osiris_inspect.inspector.reader.loader import load
    from osiris_inspect.inspector.run.report import Report
    from osiris_inspect.inspector.run.run import Run
    from osiris_inspect.model.version import __version__

__all__ = ["Report", "Run", "__version__", "analyze", "load"]

_ROOM_OF = {
    "Report": "osiris_inspect.inspector.run.report",
    "Run": "osiris_inspect.inspector.run.run",
    "__version__": "osiris_inspect.model.version",
    "load": "osiris_inspect.inspector.reader.loader",
    "analyze": "osiris_inspect.inspector.analysis.analyze",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOM_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ROOM_OF[name]), name)
