"""Text was decoded in an encoding that the file does not have.

What it finds:
    A file with the bytes of UTF-8 that was read as latin-1 or another encoding with one byte a character; a file of
    Windows that was read as ISO 8859; text that an earlier program or the driver decoded wrong (`MÃ¼nchen`, `M�nchen`),
    at the first step that has it.

Why it matters:
    An encoding with one byte a character accepts any bytes, so names and addresses arrive garbled without an error, and
    joins on them find no partner.

How to fix:
    Set the encoding that the program used which wrote the file. Replaced characters are lost: fetch the file again
    from its source, and decode it right where it is first read.

Example:
    `src` reads `customers.csv` as latin-1; its bytes are UTF-8.
"""

from collections.abc import Iterator, Mapping

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.frame_facts import FrameFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.event import as_int
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
EXPLAINS = ("join-keys-differ-in-form", "join-hardly-matches", "values-missing-or-new")
MAX_TEXT = 80
MIN_CHARACTERS = 3
"""Fewer characters are a note: texts from the web often have one."""
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "decode the text right in the program that wrote the file, and write the file again",
)

_DECODE = (
    "decode the text right where it is first read: check the encoding of the source or of the connection"
)
_KINDS: Mapping[str, tuple[str, str]] = {
    "replacement_characters": ("times U+FFFD in its text: characters that could not be decoded", _DECODE),
    "double_encoded": ("times text that was encoded twice, as in 'Ã¼' for 'ü'", _DECODE),
    "byte_order_marks": (
        "times a value that begins with a byte order mark: files were put together with their marks",
        "remove the byte order mark where the files are put together, or read them with a pattern such as data/*.csv",
    ),
}


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find steps that read a file in another encoding than it has, or text that was garbled before."""
    for step, frame in run.successful_frames():
        found, encoding = (str(frame.source.get(key) or "")[:40] for key in ("encoding_found", "encoding"))
        lost, double = (
            as_int(frame.source.get(key)) or 0 for key in ("replacement_characters", "double_encoded")
        )
        if found:
            yield TEMPLATE.finding(
                f"the file was read as {encoding or 'another encoding'}, but its bytes are {found}: the text is garbled",
                frame_evidence(frame, "encoding_found"),
                step=step.id,
                fix=f"set encoding: {found}"
                if found != "cp125x"
                else "set the encoding of Windows for the language, such as cp1250 or cp1252",
                confidence=Confidence.HIGH if found == "utf-8" else Confidence.MEDIUM,
            )
        elif lost:
            yield TEMPLATE.finding(
                f"the file contains {lost:,} replacement character{'s' if lost > 1 else ''} (U+FFFD): an earlier program could not decode its text",
                frame_evidence(frame, "replacement_characters"),
                step=step.id,
                severity=None if lost >= MIN_CHARACTERS else Severity.NOTE,
            )
        elif double:
            yield TEMPLATE.finding(
                f"the file contains text that was encoded twice, as in 'Ã¼' for 'ü', {double:,} time{'s' if double > 1 else ''}",
                frame_evidence(frame, "double_encoded"),
                step=step.id,
                severity=None if double >= MIN_CHARACTERS else Severity.NOTE,
            )
        elif frame.garbled and not any(map(_is_garbled, _inputs(run, step))):
            yield from _garbled_cells(step, frame)


def _garbled_cells(step: StepState, frame: FrameFacts) -> Findings:
    """Find text of a frame that the step, or a program before it, decoded wrong."""
    column = excerpt(str(frame.garbled.get("column") or ""), MAX_TEXT)
    kind = next((name for name in _KINDS if as_int(frame.garbled.get(name))), "")
    if not column or not kind:
        return
    count = as_int(frame.garbled[kind]) or 0
    text, fix = _KINDS[kind]
    yield TEMPLATE.finding(
        f"{column!r} has {count:,} {text}",
        frame_evidence(frame, "garbled"),
        step=step.id,
        severity=None if count >= MIN_CHARACTERS or kind == "byte_order_marks" else Severity.NOTE,
        fix=fix,
    )


def _inputs(run: Run, step: StepState) -> Iterator[FrameFacts]:
    yield from (run.frames[name] for entry in step.inputs if (name := entry.from_step or "") in run.frames)


def _is_garbled(frame: FrameFacts) -> bool:
    signs = ("encoding_found", "replacement_characters", "double_encoded")
    return bool(frame.garbled) or any(map(frame.source.get, signs))
