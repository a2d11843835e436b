"""A file of the run contains a secret in plain text.

What it finds:
    Configuration files that contain a password, a key or a token instead of a reference.

Why it matters:
    Run directories are copied, zipped and attached to tickets. The original writes the resolved connection of
    each step of a remote run to `cfg/<step>.json`.

How to fix:
    Remove the value from the file, and rotate the secret if the directory was shared.

Example:
    `"resolved_connection": {"password": ...}` in `cfg/extract-movies.json`
"""

from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Evidence, Severity

NEEDS = ("steps",)
SEARCHES = ("exposed secrets",)
TEMPLATE = FindingTemplate(
    Severity.WARNING, "config", "remove the value, and rotate the secret if the directory was shared"
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find secrets in configuration files."""
    for secret in run.exposed_secrets:
        evidence = Evidence(secret.file, 0, f'"{secret.key}"')
        message = f"{secret.file} contained {secret.key!r} in plain text"
        yield TEMPLATE.finding(message, evidence, step=secret.step)
