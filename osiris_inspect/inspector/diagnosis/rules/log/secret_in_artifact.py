"""A secret stands in clear in a file of the run.

What it finds:
    Configuration files that hold a password, a key or a token instead of a reference to one.

Why it matters:
    Run directories are copied, zipped and attached to tickets. The original writes the resolved connection of each
    step of a remote run to `cfg/<step>.json`.

How to fix:
    Remove the value from the file, and rotate the secret if the directory left your machine.

Example:
    `"resolved_connection": {"password": ...}` in `cfg/extract-movies.json`
"""

from collections.abc import Iterator

from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS = ("steps",)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Steps whose configuration holds a secret."""
    for exposure in run.exposed_secrets:
        yield Finding(
            rule="secret-in-artifact",
            severity=Severity.WARNING,
            confidence=Confidence.HIGH,
            domain="config",
            message=f"{exposure.file} holds the value of {exposure.key!r} in clear",
            evidence=(Evidence(exposure.file, 0, f'"{exposure.key}"'),),
            step=exposure.step,
            fix="remove the value, and rotate it if the directory was shared",
        )
