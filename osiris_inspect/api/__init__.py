"""The Python API: open runs, ask them, run pipelines.

```python
import osiris_inspect as oi

run = oi.open("logs")  # the newest run below logs/
run.root_cause  # the finding that explains the failure, or None
run.steps["extract-movies"].rows_out
run.events.to_pandas()
run.sql("SELECT step, status FROM steps").to_pandas()
```

Text of a log is shown with secrets masked and control characters removed, and escaped in notebooks.
"""

from osiris_inspect.api.diffs import Diff, diff
from osiris_inspect.api.exceptions import FrameNotFound, NoSuchInput, QueryError, StepNotFound
from osiris_inspect.api.frames import Frame, InputFrame, InputFrames
from osiris_inspect.api.pipelines import compile, lint, run  # noqa: A004  the API's names
from osiris_inspect.api.replays import ReplayOutcome, replay
from osiris_inspect.api.runs import Run, open, open_all  # noqa: A004
from osiris_inspect.api.steps import Explanation, Finding, Lineage, Step, StepMap
from osiris_inspect.api.tables import QueryResult, Table

__all__ = [
    "Diff",
    "Explanation",
    "Finding",
    "Frame",
    "FrameNotFound",
    "InputFrame",
    "InputFrames",
    "Lineage",
    "NoSuchInput",
    "QueryError",
    "QueryResult",
    "ReplayOutcome",
    "Run",
    "Step",
    "StepMap",
    "StepNotFound",
    "Table",
    "compile",
    "diff",
    "lint",
    "open",
    "open_all",
    "replay",
    "run",
]
