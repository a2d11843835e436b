"""A step gave its frame under a name nobody asks for.

What it finds:
    A result that has keys, and not the key `df` that the next step was to get.

Why it matters:
    The step counts as a success with 0 rows, the frame is lost, and the next step fails.

How to fix:
    Return the frame as `{"df": frame}`.

Example:
    `Key 'df' not found in outputs from step 'compute-stats' (available: ['data'])`
"""

import re
from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.cite import at
from osiris_inspect.inspector.failures import complaints
from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.run import Run
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS: Final = ("steps",)
RANK: Final = 30

_LOOKED = re.compile(
    r"Key '(?P<key>[^']{1,80})' not found in outputs from step '(?P<step>[^']{1,200})' \(available: (?P<keys>[^)]{0,400})\)"
)


def check(run: Run, lineage: Lineage) -> Iterator[Finding]:
    """Steps whose result has other keys than the one that counts."""
    for told, match in complaints(run, _LOOKED):
        keys = re.findall(r"'([^']+)'", match["keys"])
        if not {"df", "df_path"} & set(keys):
            yield _finding(match["step"], keys, told.cite(match[0][:200]))
    for event in run.named("output_stored"):
        returned = event.fields.get("keys") or event.fields.get("returned")
        if event.fields.get("storage") != "none" or event.step is None or not returned:
            continue
        if isinstance(returned, dict | list) and "df" not in returned and lineage.downstream(event.step):
            yield _finding(event.step, [str(key) for key in returned], at(event, "keys", "returned"))


def _finding(step: str, keys: list[str], evidence: Evidence) -> Finding:
    return Finding(
        rule="output-key-wrong",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        domain="code",
        message=f"the step returned {', '.join(map(repr, keys)) or 'nothing'} and no 'df', so its frame is lost",
        evidence=(evidence,),
        step=step,
        fix='let the driver return {"df": frame}',
    )
