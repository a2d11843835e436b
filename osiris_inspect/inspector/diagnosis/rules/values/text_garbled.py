"""Text was decoded in an encoding that the file does not have.

What it finds:
    A file with the bytes of UTF-8 that was read as latin-1 or another encoding with one byte a character; a file of
    Windows that was read as ISO 8859; text that an earlier program decoded wrong (`MÃ¼nchen`, `M�nchen`).

Why it matters:
    An encoding with one byte a character accepts any bytes, so names and addresses arrive garbled without an error, and
    joins on them find no partner.

How to fix:
    Set the encoding that the program used which wrote the file. Replaced characters are lost: fetch the file again
    from its source, and decode it right where it is first read.

Example:
    `src` reads `customers.csv` as latin-1; its bytes are UTF-8.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.event import as_int
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
MIN_CHARACTERS = 3
"""Fewer characters are a note: texts from the web often have one."""
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "decode the text right in the program that wrote the file, and write the file again",
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find steps that read a file in another encoding than it has, or text that was garbled before."""
    for step in run.steps:
        frame = run.frames.get(step.id)
        if frame is None or step.status != "succeeded":
            continue
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
