"""The forms of ``events``, one event at a time: the reference for the blocks of ``event_lines``."""

import json
from typing import Any

from osiris_inspect.inspector.text import json_line
from osiris_inspect.inspector.text.event_fields import masked_fields
from osiris_inspect.inspector.text.sanitize import one_line
from osiris_inspect.model.event import Event, format_timestamp


def as_json(event: Event) -> bytes:
    fields: dict[str, Any] = {
        "line": event.line,
        "ts": format_timestamp(event.ts) if event.ts is not None else None,
        "event": event.name,
        "step_id": event.step,
        "side": event.side,
    }
    fields |= {key: value for key, value in masked_fields(event).items() if key not in fields}
    return json_line.to_json_line(fields)


def as_text(event: Event) -> str:
    time = format_timestamp(event.ts)[11:23] if event.ts is not None else "-"
    fields = " ".join(
        f"{key}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(',', ':'))}"
        for key, value in masked_fields(event).items()
        if key != "traceback"
    )
    text = f"{event.line:>6}  {time:<12}  {one_line(event.step or '-'):<20}  {one_line(event.name):<20}  {one_line(fields)}"
    return text.rstrip()
