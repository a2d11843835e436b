"""Two runs side by side, step by step: where they first go apart, and in what.

Steps are aligned by their id, so a step that moved is still compared with itself. What one of the two runs does not tell
is no difference: absent is not the same as different.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from osiris_inspect.inspector.run.frame_info import FrameInfo
from osiris_inspect.inspector.run.run import LazyEvents, Run, StepState
from osiris_inspect.model.redaction import mask_by_key

SLOWER = 2.0
"""How many times longer a step must take to be called slower."""
_LEAST_S = 0.5
_NONDETERMINISTIC_EVENTS = ("heartbeat", "spill", "artifact", "dtype", "memory", "frame")
_ABSENT = object()
_IGNORED_KEYS = ("free", "available", "pid", "hostname", "ts", "time")
"""What ends the names of surroundings that differ from one second to the next and explain nothing."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same, in words for both sides; ``-`` for a side that has none."""

    aspect: str
    base: str
    other: str


@dataclass(frozen=True, slots=True)
class StepPair:
    """A step of two runs. One side is None where that run has no such step."""

    step: str
    base: StepState | None
    other: StepState | None
    differences: tuple[Difference, ...]
    slowdown: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs.

    Attributes:
        steps: in the order of the first run, those that only the second one has behind them.
        run: what differs in the runs as a whole: pipeline, mode, verdict.
        surroundings: what differs in where they ran: versions, limits, settings.
        first: the step at which they first go apart in the order they were to be run; None where no step differs.
    """

    base: Run
    other: Run
    steps: tuple[StepPair, ...]
    run: tuple[Difference, ...] = ()
    environment: tuple[Difference, ...] = ()
    first_difference: str | None = None


def compare(base: Run, other: Run) -> Comparison:
    """What differs between two runs."""
    ids = dict.fromkeys([*(step.id for step in base.steps), *(step.id for step in other.steps)])
    pairs = tuple(_pair(step, base, other) for step in ids)
    return Comparison(
        base,
        other,
        pairs,
        tuple(_of_runs(base, other)),
        tuple(_environment_differences(base, other)),
        next((pair.step for pair in pairs if pair.differences), None),
    )


def compare_frames(base: FrameInfo, other: FrameInfo) -> tuple[Difference, ...]:
    """What differs between two frames in rows, columns, their order and types, nulls and bounds."""
    found = [Difference("rows", f"{base.rows:,}", f"{other.rows:,}")] if base.rows != other.rows else []
    left, right = ({column.name: column for column in facts.columns} for facts in (base, other))
    for name in dict.fromkeys([*left, *right]):
        if name not in left or name not in right:
            here, there = (side[name].type if name in side else "-" for side in (left, right))
            found.append(Difference(f"column {name}", here, there))
            continue
        for aspect in ("type", "dtype", "nulls", "low", "high"):
            here, there = getattr(left[name], aspect), getattr(right[name], aspect)
            if here != there and here is not None and there is not None:
                found.append(Difference(f"{name}: {aspect}", str(here), str(there)))
    if list(left) != list(right) and set(left) == set(right):
        found.append(Difference("order of columns", ", ".join(left), ", ".join(right)))
    return tuple(found)


def _pair(step: str, base: Run, other: Run) -> StepPair:
    here, there = base.step(step), other.step(step)
    if here is None or there is None:
        words = [side.status if side is not None else "-" for side in (here, there)]
        return StepPair(step, here, there, (Difference("presence", *words),))
    schemas = [_schema(run, step) for run in (base, other)]
    found = [*_of_steps(here, there), *_difference("schema", *schemas), *_of_configuration(here, there)]
    found += _of_events(step, base, other)
    return StepPair(step, here, there, tuple(found), _slower(here, there))


def _of_steps(base: StepState, other: StepState) -> Iterator[Difference]:
    yield from _difference("status", base.status, other.status)
    yield from _difference("driver", base.driver, other.driver)
    yield from _difference("inputs", _bindings(base), _bindings(other))
    yield from _difference("rows in", _figure(base.rows_in), _figure(other.rows_in))
    yield from _difference("rows out", _figure(base.rows_out), _figure(other.rows_out))
    if "unknown" not in (base.storage, other.storage) and base.storage != other.storage:
        yield Difference("storage", base.storage, other.storage)
    here, there = (_first_line(side.failure.message) if side.failure else "-" for side in (base, other))
    if here != there:
        yield Difference("error", here, there)


def _of_events(step: str, base: Run, other: Run) -> Iterator[Difference]:
    """The kinds of events that one of two runs of ours tells of a step; where frames lay is told as ``storage``."""
    if not base.dialect == other.dialect == "native" or any(
        isinstance(run.events, LazyEvents) for run in (base, other)
    ):
        return  # versions of the original tell the same in other events; of a long log a part is decoded
    told = [_kinds(run, step) for run in (base, other)]
    here, there = (", ".join(sorted(mine - others)) or "-" for mine, others in (told, told[::-1]))
    if here != there:
        yield Difference("events", here, there)


def _kinds(run: Run, step: str) -> set[str]:
    """The kinds of events of a step, without those that come by chance or by where its frame was kept."""
    return {
        event.name
        for event in run.key_events
        if event.step == step and not event.name.startswith(_NONDETERMINISTIC_EVENTS)
    }


def _of_configuration(base: StepState, other: StepState) -> Iterator[Difference]:
    if not base.config or not other.config:
        return  # one of the runs did not keep it
    for key in sorted({*base.config, *other.config}):
        if base.config.get(key, _ABSENT) != other.config.get(key, _ABSENT):
            here, there = (_value(side.config, key) for side in (base, other))
            yield Difference(f"configuration {key}", here, there)


def _of_runs(base: Run, other: Run) -> Iterator[Difference]:
    yield from _difference("pipeline", base.pipeline, other.pipeline)
    yield from _difference("mode", base.mode, other.mode)
    yield from _difference("verdict", base.status, other.status)
    yield from _difference("order of steps", *_orders(base, other))


def _orders(base: Run, other: Run) -> tuple[str | None, str | None]:
    """The steps that both runs began, in the order in which each began them."""
    began = [_began(run) for run in (base, other)]
    both = set(began[0]) & set(began[1])
    left, right = (", ".join(step for step in steps if step in both) or None for steps in began)
    return left, right


def _began(run: Run) -> list[str]:
    return list(
        dict.fromkeys(event.step for event in run.events_named("step_start") if event.step is not None)
    )


def _environment_differences(base: Run, other: Run) -> Iterator[Difference]:
    """What the environments say differently, key by key, the worker's and the host's apart."""
    left, right = _surroundings(base), _surroundings(other)
    for key in sorted(left.keys() & right.keys()):
        if left[key] != right[key] and not set(_IGNORED_KEYS) & set(key.replace("_", " ").split()):
            yield Difference(key, left[key], right[key])


def _surroundings(run: Run) -> Mapping[str, str]:
    told: dict[str, str] = {}
    for event in run.events_named("environment"):
        told |= {f"{event.side or 'host'} {key}": value for key, value in _flat(event.fields)}
    for event in run.events_named("run_start"):
        settings = event.fields.get("settings")
        if isinstance(settings, Mapping):
            told |= {f"setting {key}": value for key, value in _flat(settings)}
    return told


def _flat(fields: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for key, value in fields.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key} ")
        else:
            yield f"{above}{key}", str(value)


def _schema(run: Run, step: str) -> str | None:
    """The columns of a step's frame with their types, where the log tells them."""
    for event in run.events_named("output_stored", step=step):
        columns, dtypes = event.fields.get("columns"), event.fields.get("dtypes")
        if isinstance(columns, list) and isinstance(dtypes, list) and columns:
            return ", ".join(f"{column} {dtype}" for column, dtype in zip(columns, dtypes, strict=False))
    return None


def _difference(aspect: str, base: str | None, other: str | None) -> Iterator[Difference]:
    if base is not None and other is not None and base != other:
        yield Difference(aspect, base, other)


def _bindings(step: StepState) -> str | None:
    told = sorted(f"{entry.name} from {entry.from_step or '?'} ({entry.location})" for entry in step.inputs)
    return ", ".join(told) or None


def _figure(rows: int | None) -> str | None:
    return None if rows is None else f"{rows:,}"


def _value(config: Mapping[str, Any], key: str) -> str:
    return str(mask_by_key({key: config[key]})[key]) if key in config else "-"


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def _slower(base: StepState, other: StepState) -> float | None:
    """How many times longer the other one took; None where neither is much slower, or a time is not known."""
    here, there = base.duration_s, other.duration_s
    if not here or not there or max(here, there) < _LEAST_S:
        return None
    ratio = there / here
    return ratio if ratio >= SLOWER or ratio <= 1 / SLOWER else None
