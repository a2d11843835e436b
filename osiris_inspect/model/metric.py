"""A metric of a run, whoever wrote it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from osiris_inspect.model import jsonl
from osiris_inspect.model.errors import InvalidLine
from osiris_inspect.model.event import finite_number, format_timestamp, parse_timestamp, step_name


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured number.

    Attributes:
        name: what was measured.
        value: the number; None where the line has none (the original writes NaN and text).
        ts: seconds since 1970 (UTC), None where the line has no time.
        step: the step it belongs to; None where the line does not name one, which the original's local runs rarely do.
        tags: what else the line says.
        line: its line in ``file``, from 1.
    """

    name: str
    value: float | None
    ts: float | None = None
    step: str | None = None
    tags: Mapping[str, Any] = field(default_factory=dict)
    line: int = 0
    file: str = "metrics.jsonl"


def decode(line: bytes, *, number_of_line: int = 0, file: str = "metrics.jsonl") -> Metric:
    """The metric in a line of any dialect.

    Raises:
        InvalidLine: the line is no JSON object, or an object that names no metric.
    """
    value = jsonl.decode_object(line)
    name = value.get("metric") or (value.get("name") if value.get("type") == "metric" else None)
    if not isinstance(name, str):
        raise InvalidLine("a JSON object that names no metric")
    tags: dict[str, Any] = value["tags"] if isinstance(value.get("tags"), dict) else {}
    told = (value.get("step_id"), tags.get("step"), tags.get("step_id"))
    return Metric(
        name=name,
        value=finite_number(value.get("value")),
        ts=parse_timestamp(value.get("ts", value.get("timestamp"))),
        step=next(filter(None, map(step_name, told)), None),
        tags={key: item for key, item in (value | tags).items() if key not in _KNOWN},
        line=number_of_line,
        file=file,
    )


_KNOWN = frozenset(
    {"ts", "timestamp", "type", "name", "metric", "value", "tags", "step", "step_id", "session"}
)


def encode(metric: Metric) -> bytes:
    """One line in our form, without its newline: ``{"ts", "metric", "value", "tags"}``."""
    tags = dict(metric.tags) | ({"step": metric.step} if metric.step else {})
    ts = format_timestamp(metric.ts) if metric.ts is not None else None
    return jsonl.encode({"ts": ts, "metric": metric.name, "value": metric.value, "tags": tags})
