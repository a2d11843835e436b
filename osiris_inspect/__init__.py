"""Run DataFrame pipelines locally or in a sandbox, and see why a run failed.

```
            cli ───────────────┐          imports point down;
             │                 │          import-linter checks it on every push
            tui                │
             │                 ▼
        inspector     |     runtime
             └────►  model  ◄───┘
```

The runtime writes run directories, the inspector reads them; they do not import each other. The public names below are
imported on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from osiris_inspect.api import (
        Diff,
        Finding,
        Frame,
        Run,
        Step,
        Table,
        compile,  # noqa: A004  the API's name
        diff,
        lint,
        open,  # noqa: A004  the API's name
        open_all,
        replay,
        run,
    )
    from osiris_inspect.model.errors import OsirisError
    from osiris_inspect.model.version import __version__
    from osiris_inspect.runtime.drivers.interface.file_paths import output_file
    from osiris_inspect.runtime.pipeline.component import Component, ConfigKey

__all__ = [
    "Component",
    "ConfigKey",
    "Diff",
    "Finding",
    "Frame",
    "OsirisError",
    "Run",
    "Step",
    "Table",
    "__version__",
    "compile",
    "diff",
    "lint",
    "open",
    "open_all",
    "output_file",
    "replay",
    "run",
]

_MODULES = {
    "Component": "osiris_inspect.runtime.pipeline.component",
    "ConfigKey": "osiris_inspect.runtime.pipeline.component",
    "OsirisError": "osiris_inspect.model.errors",
    "__version__": "osiris_inspect.model.version",
    "output_file": "osiris_inspect.runtime.drivers.interface.file_paths",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES.get(name, "osiris_inspect.api")), name)


def __dir__() -> list[str]:
    return __all__
