"""Metrics of a run: one value type, decoded from every log dialect and encoded in one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from osiris_inspect.model import jsonl
from osiris_inspect.model.errors import InvalidLine
from osiris_inspect.model.event import finite_number, format_timestamp, parse_timestamp, step_name

_KNOWN = frozenset(
    ["ts", "timestamp", "type", "name", "metric", "value", "tags", "step", "step_id", "session"]
)


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured number.

    Attributes:
        name: the name of the metric.
        value: the number; None if the line has none (the original writes NaN and text).
        ts: seconds since 1970 (UTC), None if the line has no time.
        step: the step the metric belongs to, None if not logged (the original's local runs rarely log it).
        tags: the other keys of the line.
        line: the line number in ``file``, from 1.
        damage: what was wrong with the line, if the metric was read from a damaged one; otherwise empty.
    """

    name: str
    value: float | None
    ts: float | None = None
    step: str | None = None
    tags: Mapping[str, Any] = field(default_factory=dict)
    line: int = 0
    file: str = "metrics.jsonl"
    damage: str = ""


def decode(line: bytes, *, line_number: int = 0, file: str = "metrics.jsonl") -> Metric:
    """Return the metric in a line of any dialect; a damaged line that has one whole object is accepted.

    Raises:
        InvalidLine: the line is not a JSON object, or an object without a metric name.
    """
    damage = ""
    try:
        value = jsonl.decode_object(line)
    except InvalidLine:
        objects = jsonl.read_objects(line) if _is_readable(line) else []
        if len(objects) != 1 or not objects[0].is_whole:
            raise
        value, damage = objects[0].value, jsonl.describe_damage(line, objects)
    name = value.get("metric") or (value.get("name") if value.get("type") == "metric" else None)
    if not isinstance(name, str):
        raise InvalidLine("a JSON object without a metric name")
    tags: dict[str, Any] = value["tags"] if isinstance(value.get("tags"), dict) else {}
    steps = (value.get("step_id"), tags.get("step"), tags.get("step_id"))
    return Metric(
        name=name,
        value=finite_number(value.get("value")),
        ts=parse_timestamp(value.get("ts", value.get("timestamp"))),
        step=next(filter(None, map(step_name, steps)), None),
        tags={key: item for key, item in (value | tags).items() if key not in _KNOWN},
        line=line_number,
        file=file,
        damage=damage,
    )


def _is_readable(line: bytes) -> bool:
    return b'"metric"' in line and len(line) <= jsonl.MAX_LINE


def encode(metric: Metric) -> bytes:
    """Return the metric as a line without a newline: ``{"ts", "metric", "value", "tags"}``."""
    tags = dict(metric.tags) | ({"step": metric.step} if metric.step else {})
    ts = format_timestamp(metric.ts) if metric.ts is not None else None
    return jsonl.encode({"ts": ts, "metric": metric.name, "value": metric.value, "tags": tags})
