"""Where each file of a run lies. Nobody else joins these paths.

Two eras of the original wrote other places: ``compiled/`` inside the run directory, and
``run_logs/<profile>/<pipeline>/<time>_<run>-<hash>/``. A run is known by the files in it, not by its name.
"""

import re
from functools import lru_cache
from typing import Final

from osiris_inspect.model.errors import UnsafePath

EVENTS: Final = "events.jsonl"
METRICS: Final = "metrics.jsonl"
MANIFEST: Final = "manifest.yaml"
STATUS: Final = "status.json"
WORKER_LOG: Final = "worker.log"
COMMANDS: Final = "commands.jsonl"
RUN_CARD: Final = "artifacts/_system/run_card.json"
COMPILED_MANIFEST: Final = "compiled/manifest.yaml"

TEXT_LOGS: Final = ("worker.log", "osiris.log", "debug.log", "worker_stderr.log")
RUN_MARKER_FILES: Final = (EVENTS, METRICS, STATUS, RUN_CARD, MANIFEST, COMPILED_MANIFEST)
"""A directory with one of these is a run, or what is left of one."""

_STEP_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_RUN_NAME = re.compile(
    r"(?:run|compile)_(\d{10,})\Z|(\d{4})-?(\d\d)-?(\d\d)t(\d\d)-?(\d\d)-?(\d\d)z_", re.IGNORECASE
)


def is_safe_name(name: str) -> bool:
    """Whether ``name`` can be a step id: a file name that leads nowhere else."""
    return _STEP_ID.fullmatch(name) is not None and ".." not in name


def run_name(epoch_ms: int) -> str:
    """The directory name of a run that began then."""
    return f"run_{epoch_ms}"


def compile_name(epoch_ms: int) -> str:
    """The directory name of a compile that began then."""
    return f"compile_{epoch_ms}"


def config_path(step: str) -> str:
    """A step's configuration."""
    return f"cfg/{_checked_step_id(step)}.json"


@lru_cache(1024)
def artifacts_dir(step: str) -> str:
    """The folder of a step's artifacts."""
    return f"artifacts/{_checked_step_id(step)}"


def spill_path(step: str) -> str:
    """A step's spilled frame."""
    return f"{artifacts_dir(step)}/output.parquet"


def schema_path(step: str) -> str:
    """The commit mark of a spilled frame: without it there is no frame."""
    return f"{artifacts_dir(step)}/schema.json"


def cleaned_config_path(step: str) -> str:
    """The configuration a driver was given, secrets masked."""
    return f"{artifacts_dir(step)}/cleaned_config.json"


def is_relative_and_safe(relative: str) -> bool:
    """Whether a path, read as relative to a run directory, stays in it."""
    return not relative.startswith("/") and ".." not in relative.split("/") and "\0" not in relative


def parse_start_ms(name: str) -> int | None:
    """When a run of that directory name began, in ms since 1970; None where the name does not tell."""
    match = _RUN_NAME.match(name)
    if match is None:
        return None
    if match[1]:
        return int(match[1])
    return _utc_ms("".join(match.groups()[1:]))


def _utc_ms(digits: str) -> int | None:
    from datetime import UTC, datetime

    try:
        return int(datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        return None


def _checked_step_id(step: str) -> str:
    if not is_safe_name(step):
        raise UnsafePath(f"step id {step!r} is no file name: use letters, digits, '.', '_' and '-'")
    return step
