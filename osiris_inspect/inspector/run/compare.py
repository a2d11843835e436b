"""Compares two runs step by step and finds the first difference.

Steps are matched by id, so a step that moved is compared with itself. A value that one run does not contain
is not a difference.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from osiris_inspect.inspector.run.frame_info import FrameInfo
from osiris_inspect.inspector.run.run import LazyEvents, Run, StepState
from osiris_inspect.model.redaction import mask_by_key

SLOWER_RATIO = 2.0
"""Ratio of durations from which on a step is called slower."""
_MIN_DURATION_S = 0.5
_NONDETERMINISTIC_EVENTS = ("heartbeat", "spill", "artifact", "dtype", "memory", "frame")
_ABSENT = object()
_IGNORED_KEYS = ("free", "available", "pid", "hostname", "ts", "time")
"""Words in the keys of environment values that vary at random."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference, in words for both sides; ``-`` if a side has no value."""

    aspect: str
    base: str
    other: str


@dataclass(frozen=True, slots=True)
class StepPair:
    """A step in two runs. A side is None if that run has no such step."""

    step: str
    base: StepState | None
    other: StepState | None
    differences: tuple[Difference, ...]
    slowdown: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The differences of two runs.

    Attributes:
        steps: in the order of the first run, followed by those that only the second run has.
        run: differences of the whole runs: pipeline, mode, status.
        environment: differences of versions, limits and settings.
        first_difference: the first step with a difference; None if there is none.
    """

    base: Run
    other: Run
    steps: tuple[StepPair, ...]
    run: tuple[Difference, ...] = ()
    environment: tuple[Difference, ...] = ()
    first_difference: str | None = None


def compare(base: Run, other: Run) -> Comparison:
    """Return the differences of two runs."""
    ids = dict.fromkeys([*(step.id for step in base.steps), *(step.id for step in other.steps)])
    pairs = tuple(_pair(step, base, other) for step in ids)
    return Comparison(
        base,
        other,
        pairs,
        tuple(_run_differences(base, other)),
        tuple(_environment_differences(base, other)),
        next((pair.step for pair in pairs if pair.differences), None),
    )


def compare_frames(base: FrameInfo, other: FrameInfo) -> tuple[Difference, ...]:
    """Return the differences of two frames in rows, columns, their order and types, nulls and bounds."""
    differences = [Difference("rows", f"{base.rows:,}", f"{other.rows:,}")] if base.rows != other.rows else []
    left, right = ({column.name: column for column in frame.columns} for frame in (base, other))
    for name in dict.fromkeys([*left, *right]):
        if name not in left or name not in right:
            base_value, other_value = (side[name].type if name in side else "-" for side in (left, right))
            differences.append(Difference(f"column {name}", base_value, other_value))
            continue
        for aspect in ("type", "dtype", "nulls", "low", "high"):
            base_value, other_value = getattr(left[name], aspect), getattr(right[name], aspect)
            if base_value != other_value and base_value is not None and other_value is not None:
                differences.append(Difference(f"{name}: {aspect}", str(base_value), str(other_value)))
    if list(left) != list(right) and set(left) == set(right):
        differences.append(Difference("order of columns", ", ".join(left), ", ".join(right)))
    return tuple(differences)


def _pair(step: str, base: Run, other: Run) -> StepPair:
    left, right = base.step(step), other.step(step)
    if left is None or right is None:
        words = [side.status if side is not None else "-" for side in (left, right)]
        return StepPair(step, left, right, (Difference("presence", *words),))
    schemas = [_schema(run, step) for run in (base, other)]
    differences = [
        *_step_differences(left, right),
        *_difference("schema", *schemas),
        *_config_differences(left, right),
    ]
    differences += _event_differences(step, base, other)
    return StepPair(step, left, right, tuple(differences), _slower(left, right))


def _step_differences(base: StepState, other: StepState) -> Iterator[Difference]:
    yield from _difference("status", base.status, other.status)
    yield from _difference("driver", base.driver, other.driver)
    yield from _difference("inputs", _bindings(base), _bindings(other))
    yield from _difference("rows in", _format_rows(base.rows_in), _format_rows(other.rows_in))
    yield from _difference("rows out", _format_rows(base.rows_out), _format_rows(other.rows_out))
    if "unknown" not in (base.storage, other.storage) and base.storage != other.storage:
        yield Difference("storage", base.storage, other.storage)
    errors = [side.failure.message.strip() if side.failure else "-" for side in (base, other)]
    yield from _difference("error", *(error.partition("\n")[0] for error in errors))


def _event_differences(step: str, base: Run, other: Run) -> Iterator[Difference]:
    """Yield the difference in event names of a step, for two complete native logs; ``storage`` covers the rest."""
    if not base.dialect == other.dialect == "native" or any(
        isinstance(run.events, LazyEvents) for run in (base, other)
    ):
        return  # dialects differ in their events, and of a long log not all are decoded
    names = [_event_names(run, step) for run in (base, other)]
    only = (", ".join(sorted(mine - others)) or "-" for mine, others in (names, names[::-1]))
    yield from _difference("events", *only)


def _event_names(run: Run, step: str) -> set[str]:
    """Return the event names of a step, without random ones and those of the frame's location."""
    return {
        event.name
        for event in run.key_events
        if event.step == step and not event.name.startswith(_NONDETERMINISTIC_EVENTS)
    }


def _config_differences(base: StepState, other: StepState) -> Iterator[Difference]:
    if not base.config or not other.config:
        return  # not kept by one of the runs
    for key in sorted({*base.config, *other.config}):
        if base.config.get(key, _ABSENT) != other.config.get(key, _ABSENT):
            left, right = (_value(side.config, key) for side in (base, other))
            yield Difference(f"configuration {key}", left, right)


def _run_differences(base: Run, other: Run) -> Iterator[Difference]:
    yield from _difference("pipeline", base.pipeline, other.pipeline)
    yield from _difference("mode", base.mode, other.mode)
    yield from _difference("verdict", base.status, other.status)
    yield from _difference("order of steps", *_orders(base, other))


def _orders(base: Run, other: Run) -> tuple[str | None, str | None]:
    """Return the steps that both runs began, in the order of each run."""
    started = [dict.fromkeys(event.step for event in run.events_named("step_start")) for run in (base, other)]
    left, right = (
        ", ".join(step for step in steps if step and all(step in each for each in started)) or None
        for steps in started
    )
    return left, right


def _environment_differences(base: Run, other: Run) -> Iterator[Difference]:
    """Yield the differences of the environments, for the worker and the host separately."""
    left, right = _environment(base), _environment(other)
    for key in sorted(left.keys() & right.keys()):
        if left[key] != right[key] and not set(_IGNORED_KEYS) & set(key.replace("_", " ").split()):
            yield Difference(key, left[key], right[key])


def _environment(run: Run) -> Mapping[str, str]:
    values: dict[str, str] = {}
    for event in run.events_named("environment"):
        values |= {f"{event.side or 'host'} {key}": value for key, value in _flat(event.fields)}
    for event in run.events_named("run_start"):
        settings = event.fields.get("settings")
        if isinstance(settings, Mapping):
            values |= {f"setting {key}": value for key, value in _flat(settings)}
    return values


def _flat(fields: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for key, value in fields.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key} ")
        else:
            yield f"{above}{key}", str(value)


def _schema(run: Run, step: str) -> str | None:
    """Return the columns and types of a step's frame; None if the log does not contain them."""
    for event in run.events_named("output_stored", step=step):
        columns, dtypes = event.fields.get("columns"), event.fields.get("dtypes")
        if isinstance(columns, list) and isinstance(dtypes, list) and columns:
            return ", ".join(f"{column} {dtype}" for column, dtype in zip(columns, dtypes, strict=False))
    return None


def _difference(aspect: str, base: str | None, other: str | None) -> Iterator[Difference]:
    if base is not None and other is not None and base != other:
        yield Difference(aspect, base, other)


def _bindings(step: StepState) -> str | None:
    inputs = sorted(f"{entry.name} from {entry.from_step or '?'} ({entry.location})" for entry in step.inputs)
    return ", ".join(inputs) or None


def _format_rows(rows: int | None) -> str | None:
    return None if rows is None else f"{rows:,}"


def _value(config: Mapping[str, Any], key: str) -> str:
    return str(mask_by_key({key: config[key]})[key]) if key in config else "-"


def _slower(base: StepState, other: StepState) -> float | None:
    """Return how many times longer the other step took; None if similar or unknown."""
    left, right = base.duration_s, other.duration_s
    if not left or not right or max(left, right) < _MIN_DURATION_S:
        return None
    ratio = right / left
    return ratio if ratio >= SLOWER_RATIO or ratio <= 1 / SLOWER_RATIO else None
