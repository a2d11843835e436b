"""Two runs side by side, step by step: where they first go apart, and in what.

Steps are aligned by their id, so a step that moved is still compared with itself. What one of the two runs does not tell
is no difference: absent is not the same as different.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from osiris_inspect.inspector.run.frame_info import FrameFacts
from osiris_inspect.inspector.run.run import Abridged, Run, StepState
from osiris_inspect.model.redaction import mask_keys

SLOWER = 2.0
"""How many times longer a step must take to be called slower."""
_LEAST_S = 0.5
_BY_CHANCE = ("heartbeat", "spill", "artifact", "dtype", "memory", "frame")
_ABSENT = object()
_NEVER_THE_SAME = ("free", "available", "pid", "hostname", "ts", "time")
"""What ends the names of surroundings that differ from one second to the next and explain nothing."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same, in words for both sides; ``-`` for a side that has none."""

    aspect: str
    one: str
    other: str


@dataclass(frozen=True, slots=True)
class StepPair:
    """A step of two runs. One side is None where that run has no such step."""

    step: str
    one: StepState | None
    other: StepState | None
    differences: tuple[Difference, ...]
    slower: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs.

    Attributes:
        steps: in the order of the first run, those that only the second one has behind them.
        run: what differs in the runs as a whole: pipeline, mode, verdict.
        surroundings: what differs in where they ran: versions, limits, settings.
        first: the step at which they first go apart in the order they were to be run; None where no step differs.
    """

    one: Run
    other: Run
    steps: tuple[StepPair, ...]
    run: tuple[Difference, ...] = ()
    surroundings: tuple[Difference, ...] = ()
    first: str | None = None


def compare(one: Run, other: Run) -> Comparison:
    """What differs between two runs."""
    ids = dict.fromkeys([*(step.id for step in one.steps), *(step.id for step in other.steps)])
    pairs = tuple(_pair(step, one, other) for step in ids)
    return Comparison(
        one,
        other,
        pairs,
        tuple(_of_runs(one, other)),
        tuple(_of_surroundings(one, other)),
        next((pair.step for pair in pairs if pair.differences), None),
    )


def compare_frames(one: FrameFacts, other: FrameFacts) -> tuple[Difference, ...]:
    """What differs between two frames in rows, columns, their order and types, nulls and bounds."""
    found = [Difference("rows", f"{one.rows:,}", f"{other.rows:,}")] if one.rows != other.rows else []
    left, right = ({column.name: column for column in facts.columns} for facts in (one, other))
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


def _pair(step: str, one: Run, other: Run) -> StepPair:
    here, there = one.step(step), other.step(step)
    if here is None or there is None:
        words = [side.status if side is not None else "-" for side in (here, there)]
        return StepPair(step, here, there, (Difference("presence", *words),))
    schemas = [_schema(run, step) for run in (one, other)]
    found = [*_of_steps(here, there), *_unequal("schema", *schemas), *_of_configuration(here, there)]
    found += _of_events(step, one, other)
    return StepPair(step, here, there, tuple(found), _slower(here, there))


def _of_steps(one: StepState, other: StepState) -> Iterator[Difference]:
    yield from _unequal("status", one.status, other.status)
    yield from _unequal("driver", one.driver, other.driver)
    yield from _unequal("inputs", _bindings(one), _bindings(other))
    yield from _unequal("rows in", _figure(one.rows_in), _figure(other.rows_in))
    yield from _unequal("rows out", _figure(one.rows_out), _figure(other.rows_out))
    if "unknown" not in (one.storage, other.storage) and one.storage != other.storage:
        yield Difference("storage", one.storage, other.storage)
    here, there = (_first_line(side.failure.message) if side.failure else "-" for side in (one, other))
    if here != there:
        yield Difference("error", here, there)


def _of_events(step: str, one: Run, other: Run) -> Iterator[Difference]:
    """The kinds of events that one of two runs of ours tells of a step; where frames lay is told as ``storage``."""
    if not one.dialect == other.dialect == "native" or any(
        isinstance(run.events, Abridged) for run in (one, other)
    ):
        return  # versions of the original tell the same in other events; of a long log a part is decoded
    told = [_kinds(run, step) for run in (one, other)]
    here, there = (", ".join(sorted(mine - others)) or "-" for mine, others in (told, told[::-1]))
    if here != there:
        yield Difference("events", here, there)


def _kinds(run: Run, step: str) -> set[str]:
    """The kinds of events of a step, without those that come by chance or by where its frame was kept."""
    return {event.name for event in run.told if event.step == step and not event.name.startswith(_BY_CHANCE)}


def _of_configuration(one: StepState, other: StepState) -> Iterator[Difference]:
    if not one.config or not other.config:
        return  # one of the runs did not keep it
    for key in sorted({*one.config, *other.config}):
        if one.config.get(key, _ABSENT) != other.config.get(key, _ABSENT):
            here, there = (_value(side.config, key) for side in (one, other))
            yield Difference(f"configuration {key}", here, there)


def _of_runs(one: Run, other: Run) -> Iterator[Difference]:
    yield from _unequal("pipeline", one.pipeline, other.pipeline)
    yield from _unequal("mode", one.mode, other.mode)
    yield from _unequal("verdict", one.status, other.status)
    yield from _unequal("order of steps", *_orders(one, other))


def _orders(one: Run, other: Run) -> tuple[str | None, str | None]:
    """The steps that both runs began, in the order in which each began them."""
    began = [_began(run) for run in (one, other)]
    both = set(began[0]) & set(began[1])
    left, right = (", ".join(step for step in steps if step in both) or None for steps in began)
    return left, right


def _began(run: Run) -> list[str]:
    return list(dict.fromkeys(event.step for event in run.named("step_start") if event.step is not None))


def _of_surroundings(one: Run, other: Run) -> Iterator[Difference]:
    """What the environments say differently, key by key, the worker's and the host's apart."""
    left, right = _surroundings(one), _surroundings(other)
    for key in sorted(left.keys() & right.keys()):
        if left[key] != right[key] and not set(_NEVER_THE_SAME) & set(key.replace("_", " ").split()):
            yield Difference(key, left[key], right[key])


def _surroundings(run: Run) -> Mapping[str, str]:
    told: dict[str, str] = {}
    for event in run.named("environment"):
        told |= {f"{event.side or 'host'} {key}": value for key, value in _flat(event.fields)}
    for event in run.named("run_start"):
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
    for event in run.named("output_stored", step=step):
        columns, dtypes = event.fields.get("columns"), event.fields.get("dtypes")
        if isinstance(columns, list) and isinstance(dtypes, list) and columns:
            return ", ".join(f"{column} {dtype}" for column, dtype in zip(columns, dtypes, strict=False))
    return None


def _unequal(aspect: str, one: str | None, other: str | None) -> Iterator[Difference]:
    if one is not None and other is not None and one != other:
        yield Difference(aspect, one, other)


def _bindings(step: StepState) -> str | None:
    told = sorted(f"{entry.name} from {entry.from_step or '?'} ({entry.place})" for entry in step.inputs)
    return ", ".join(told) or None


def _figure(rows: int | None) -> str | None:
    return None if rows is None else f"{rows:,}"


def _value(config: Mapping[str, Any], key: str) -> str:
    return str(mask_keys({key: config[key]})[key]) if key in config else "-"


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def _slower(one: StepState, other: StepState) -> float | None:
    """How many times longer the other one took; None where neither is much slower, or a time is not known."""
    here, there = one.duration_s, other.duration_s
    if not here or not there or max(here, there) < _LEAST_S:
        return None
    ratio = there / here
    return ratio if ratio >= SLOWER or ratio <= 1 / SLOWER else None
