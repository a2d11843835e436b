"""The recorded differences of two runs: of their steps, settings, packages and surroundings.

A value that one run does not record is not a difference. Secrets are masked.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final, Literal

from osiris_inspect.inspector.run.comparison.divergence import StepComparison
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.units import pluralize
from osiris_inspect.model.event import as_int
from osiris_inspect.model.manifest import Manifest, Step
from osiris_inspect.model.redaction import mask_by_key

DifferenceKind = Literal[
    "configuration", "component", "code", "checks", "inputs", "step", "connection", "file", "data", "parameter", "setting",
    "package", "variable", "place", "isolation", "timezone", "locale", "memory", "cpus", "environment", "storage",
]  # fmt: skip
ABSENT: Final = "-"
"""The value of a side that has none."""
_MISSING: Final = object()
_ENVIRONMENT: Final[Mapping[str, DifferenceKind]] = {
    "isolation": "isolation",
    "timezone": "timezone",
    "locale": "locale",
    "memory_bytes": "memory",
    "cpus": "cpus",
}
_UNRANKED: Final = re.compile(
    r"^packages_sha256$|^variables_key|(?:^|_)(?:free|available|pid|hostname|ts|time|mono|origin|grants|nonce)(?:_|$)"
)
"""Keys of environment values that vary at random, or with the place alone."""
_STORAGE_SETTINGS: Final = frozenset(
    [
        "force_spill",
        "spill_threshold",
        "spill_memory_bytes",
        "release_consumed",
        "keep",
        "capture",
        "keep_frames",
    ]
)
_TOKEN: Final = re.compile(r"\w+|\s+|[^\w\s]")
_MAX_TOKENS: Final = 4_000
_MAX_VALUE: Final = 2_000
_MAX_TEXT: Final = 20_000
_MAX_CHANGES: Final = 4


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference; ``-`` if a side has no value.

    Attributes:
        step: the step it belongs to; None for the whole run.
        key: the name of the value: a key of the configuration, a variable, a package.
        words: what an error would name: the key, columns, new values.
    """

    kind: DifferenceKind
    key: str
    base: str
    other: str
    step: str | None = None
    words: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The difference in a few words: ``configuration query of b``."""
        name = self.kind if self.key in ("", self.kind) else f"{self.kind} {self.key}"
        return name if self.step in (None, self.key) else f"{name} of {self.step}"


def step_differences(
    pair: StepComparison,
    base: Run,
    other: Run,
    servers: tuple[Mapping[str, Any], Mapping[str, Any]] = ({}, {}),
) -> Iterator[Difference]:
    """Yield the recorded differences of a step that both runs have, or that only one has.

    ``servers`` are the server of each step's connection, by step, of each run.
    """
    step = pair.step
    if pair.base is None or pair.other is None:
        present = pair.base is None
        values = (ABSENT, "present") if present else ("present", ABSENT)
        yield Difference("step", step, *values, step=step, words=(step,))
        return
    left, right = pair.base.step, pair.other.step
    if pair.is_renamed:
        yield Difference("step", "name", left.id, right.id, step)
    yield from _config_differences(left, right)
    if left.driver and right.driver and left.driver != right.driver:
        yield Difference("component", "", left.driver, right.driver, step)
    yield from _code_differences(left, right, base, other)
    yield from _plan_differences(step, _planned(base.manifest, left.id), _planned(other.manifest, right.id))
    if pair.divergence == "first":
        yield from _lost_rows(left, right)
        if pair.other.ending == "failed":  # the output of a step that succeeded says more
            yield from _file_differences(base, left.id, other, right.id)
    before, after = servers[0].get(left.id), servers[1].get(right.id)
    if before and after and before != after:
        yield Difference("connection", "", _value(before), _value(after), step, tuple(after.values()))
    if "unknown" not in (left.storage, right.storage) and left.storage != right.storage:
        yield Difference("storage", "", left.storage, right.storage, step)


def data_difference(pair: StepComparison) -> Difference:
    """Return the change of a step's output as a difference."""
    rows = [_rows(side.step) if side is not None else ABSENT for side in (pair.base, pair.other)]
    changes = "; ".join(pair.outcome.changes[:_MAX_CHANGES])
    more = len(pair.outcome.changes) - _MAX_CHANGES
    text = f"{changes}; {more} more changes" if more > 0 else changes
    return Difference("data", "", rows[0], text, pair.step, pair.outcome.columns)


def run_differences(
    base: Run, other: Run, packages: tuple[Mapping[str, Any], Mapping[str, Any]] = ({}, {})
) -> Iterator[Difference]:
    """Yield the differences of whole runs: mode, settings, parameters, packages and environment.

    ``packages`` are the versions of all packages of each worker, by name; empty if a run does not record them.
    """
    if base.mode and other.mode and base.mode != other.mode:
        yield Difference("place", "", base.mode, other.mode)
    yield from _setting_differences(base, other)
    yield from _parameter_differences(base, other)
    known = _environment(base).get("packages"), _environment(other).get("packages")
    for difference in _mapping_differences("packages", *packages) if all(packages) else ():
        if not any(isinstance(side, Mapping) and difference.key in side for side in known):
            yield difference
    yield from _environment_differences(_environment(base), _environment(other))


def has_same_versions(base: Run, other: Run) -> bool:
    """Return True if both runs record the same versions of Python and of the packages."""
    left, right = _environment(base), _environment(other)
    return all(
        left.get(key) is not None and left.get(key) == right.get(key) for key in ("python", "packages")
    )


def changed_parts(base: str, other: str, limit: int = 80) -> tuple[str, str]:
    """Return the parts in which two texts differ, as whole words, each in about ``limit`` characters."""
    left, right = _TOKEN.findall(base[:_MAX_TEXT]), _TOKEN.findall(other[:_MAX_TEXT])
    if max(len(left), len(right)) > _MAX_TOKENS or len(base) + len(other) <= limit:
        return base, other
    blocks = SequenceMatcher(None, left, right, autojunk=False).get_opcodes()
    changed = [block for block in blocks if block[0] != "equal"]
    if not changed:
        return base, other
    first, last = changed[0], changed[-1]
    begin = max(0, first[1] - 2), max(0, first[3] - 2)
    before = "".join(left[begin[0] : last[2] + 2]).strip()
    after = "".join(right[begin[1] : last[4] + 2]).strip()
    return before or ABSENT, after or ABSENT


def _config_differences(left: StepState, right: StepState) -> Iterator[Difference]:
    if not left.config or not right.config:
        return  # not kept by one of the runs
    for key in sorted({*left.config, *right.config}):
        before, after = left.config.get(key, _MISSING), right.config.get(key, _MISSING)
        if before != after:
            texts = _config_value(left.config, key), _config_value(right.config, key)
            yield Difference("configuration", key, *texts, right.id, (key, *_new_words(*texts)))


def _code_differences(left: StepState, right: StepState, base: Run, other: Run) -> Iterator[Difference]:
    before, after = _code(base, left.driver), _code(other, right.driver)
    for key in ("file_sha256", "version", "distribution", "module"):
        if before.get(key) and after.get(key) and before[key] != after[key]:
            texts = str(before[key])[:16], str(after[key])[:16]
            yield Difference("code", f"{right.driver or ''} {key}".strip(), *texts, right.id)
            return


def _code(run: Run, driver: str | None) -> Mapping[str, Any]:
    for event in run.events_named("driver_registered"):
        code = event.fields.get("code")
        if event.fields.get("driver") == driver and isinstance(code, Mapping):
            return code
    return {}


def _planned(manifest: Manifest | None, step: str) -> Step | None:
    steps = manifest.steps if manifest is not None else ()
    return next((planned for planned in steps if planned.id == step), None)


def _plan_differences(step: str, left: Step | None, right: Step | None) -> Iterator[Difference]:
    if left is None or right is None:
        return
    for kind, key, before, after in (
        ("inputs", "", _bindings(left), _bindings(right)),
        ("checks", "", left.checks, right.checks),
        ("inputs", "after", left.after, right.after),
        ("setting", "timeout", left.timeout_s, right.timeout_s),
        ("setting", "memory", left.memory_bytes, right.memory_bytes),
        ("setting", "machine", left.machine, right.machine),
        ("setting", "retry", left.retry, right.retry),
    ):
        if before != after:
            yield Difference(kind, key, _value(before), _value(after), step)  # type: ignore[arg-type]  # the kinds above


def _file_differences(base: Run, left: str, other: Run, right: str) -> Iterator[Difference]:
    """Yield the files that a step read in both runs with another content."""
    before, after = _files_read(base, left), _files_read(other, right)
    for path in before.keys() & after.keys():
        if before[path] != after[path]:
            old, new = (f"{size:,} bytes, {digest}" for size, digest in (before[path], after[path]))
            yield Difference("file", path, old, new, right, (path, path.rpartition("/")[2]))


def _files_read(run: Run, step: str) -> dict[str, tuple[int, str]]:
    return {
        str(event.fields.get("path")): (as_int(event.fields.get("bytes")) or 0, str(event.fields.get("xxh3")))
        for event in run.events_named("file_read", step=step)
    }


def _lost_rows(left: StepState, right: StepState) -> Iterator[Difference]:
    """Yield the inputs that reached a step with another number of rows, although their producers returned the same."""
    inputs = {entry.name: entry for entry in left.inputs}
    for entry in right.inputs:
        before = inputs.get(entry.name)
        if before is not None and None not in (before.rows, entry.rows) and before.rows != entry.rows:
            rows = pluralize(before.rows or 0, "row"), pluralize(entry.rows or 0, "row")
            yield Difference("inputs", entry.name, *rows, right.id, (entry.name,))


def _bindings(step: Step) -> Any:
    explicit = {name: f"{reference.from_step}.{reference.key}" for name, reference in step.inputs.items()}
    return explicit or sorted(step.needs)


def _setting_differences(base: Run, other: Run) -> Iterator[Difference]:
    left, right = _settings(base), _settings(other)
    for key in sorted(left.keys() & right.keys()):
        if left[key] != right[key]:
            kind: DifferenceKind = "storage" if key in _STORAGE_SETTINGS else "setting"
            yield Difference(kind, key, _value(left[key]), _value(right[key]), words=(key,))


def _settings(run: Run) -> dict[str, Any]:
    for event in run.events_named("run_start"):
        settings = event.fields.get("settings")
        if isinstance(settings, Mapping):
            return {
                str(key): entry.get("value") if isinstance(entry, Mapping) else entry
                for key, entry in settings.items()
            }
    return {}


def _parameter_differences(base: Run, other: Run) -> Iterator[Difference]:
    left, right = _parameters(base), _parameters(other)
    if left is None or right is None:
        return
    for key in sorted({*left, *right}):
        before, after = left.get(key), right.get(key)
        if before != after:
            texts = _config_value(left, key), _config_value(right, key)
            yield Difference("parameter", key, *texts, words=(key, *_new_words(*texts)))


def _parameters(run: Run) -> dict[str, Any] | None:
    """Return the parameters and the profile; None if the run does not record them."""
    for event in run.events_named("plan", "run_start"):
        source = event.fields.get("source")
        if isinstance(source, Mapping):
            parameters = source.get("params")
            profile = {"profile": source["profile"]} if source.get("profile") else {}
            return {**(parameters if isinstance(parameters, Mapping) else {}), **profile}
    return None


def _environment(run: Run) -> dict[str, Any]:
    """Return the environment of the worker, and of the host where the worker does not record it."""
    sides: dict[str, dict[str, Any]] = {"host": {}, "worker": {}}
    for event in run.events_named("environment"):
        sides["worker" if event.side == "worker" else "host"] |= event.fields
    return {**sides["host"], **sides["worker"]}


def _environment_differences(left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[Difference]:
    for key in sorted(left.keys() & right.keys()):
        before, after = left[key], right[key]
        if before == after or _UNRANKED.search(key):
            continue
        if key == "variable_digests":
            if left.get("variables_key") == right.get("variables_key"):
                yield from _digest_differences(before, after)
        elif isinstance(before, list) and isinstance(after, list):
            yield from _list_differences(key, before, after)
        elif isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _mapping_differences(key, before, after)
        else:
            kind = _ENVIRONMENT.get(key, "environment")
            yield Difference(kind, key, _value(before), _value(after), words=(key, str(after)))


def _digest_differences(left: Any, right: Any) -> Iterator[Difference]:
    """Yield the variables that have another value in each run, without the values."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        for name in sorted(left.keys() & right.keys()):
            if left[name] != right[name]:
                yield Difference("variable", str(name), "one value", "another value", words=(str(name),))


def _list_differences(key: str, left: list[Any], right: list[Any]) -> Iterator[Difference]:
    before, after = set(map(str, left)), set(map(str, right))
    kind: DifferenceKind = "variable" if key == "variables" else "environment"
    for name in sorted(before ^ after):
        values = ("set", "not set") if name in before else ("not set", "set")
        yield Difference(kind, name, *values, words=(name,))


def _mapping_differences(key: str, left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[Difference]:
    kinds: dict[str, DifferenceKind] = {"packages": "package"}
    for name in sorted({*left, *right}):
        before, after = left.get(name), right.get(name)
        if before != after:
            yield Difference(
                kinds.get(key, "environment"), str(name), _value(before), _value(after), words=(str(name),)
            )


def _new_words(base: str, other: str) -> tuple[str, ...]:
    """Return the words that only the second text has, and a short text as a whole."""
    known = set(re.findall(r"\w+", base[:_MAX_TEXT]))
    words = (word for word in re.findall(r"\w+", other[:_MAX_TEXT]) if word not in known)
    return (*dict.fromkeys(words), *((other,) if len(other) <= _MAX_WORD else ()))


_MAX_WORD: Final = 60


def _config_value(config: Mapping[str, Any], key: str) -> str:
    return _value(mask_by_key({key: config[key]})[key]) if key in config else ABSENT


def _value(value: Any) -> str:
    if value is None:
        return ABSENT
    text = (
        value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False, default=str, sort_keys=True)
    )
    return text[:_MAX_VALUE] if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}…"


def _rows(step: StepState) -> str:
    return ABSENT if step.rows_out is None else f"{step.rows_out:,} rows"
