"""Quotes made verbatim: each piece of evidence is looked up again in the file it names.

A rule cites what it knows: a part of a decoded text, or the name of a field. Here it becomes a part of the line as it
stands in the file, escapes and all, cut before a secret. What cannot be found again is no evidence; a finding that is
left without any is shown where the run names its step, and is never dropped: what stood behind it would take the blame.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from osiris_inspect.inspector.diagnosis.evidence.citations import any_evidence, first_line_evidence
from osiris_inspect.inspector.files import text_log as textlog
from osiris_inspect.inspector.files.run_files import RunFiles
from osiris_inspect.inspector.run.run import LazyEvents, Run
from osiris_inspect.inspector.text.sanitize import differing, excerpt
from osiris_inspect.model import redaction as redact
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.finding import Evidence, Finding

LONGEST = 240
"""Characters of a quote."""
_SHORTEST = 6
_NAME = re.compile(r'"(?:event|name|metric|cmd|step_id)"\s*:\s*"[^"\\]{1,80}"')


def verify_quotes(run: Run, findings: Sequence[Finding]) -> list[Finding]:
    """The findings with their evidence word for word; one that cannot be quoted is shown where its step is named."""
    found = find_quotes(run, [evidence for finding in findings for evidence in finding.evidence])
    proved = []
    for finding in findings:
        evidence = tuple(dict.fromkeys(found[item] for item in finding.evidence if item in found))
        proved.append(replace(finding, evidence=evidence or _fallback_evidence(run, finding)))
    return proved


def _fallback_evidence(run: Run, finding: Finding) -> tuple[Evidence, ...]:
    """A line that is there in place of those that are not; of a run without any line only the file, quoted with nothing."""
    step = run.step(finding.step) if finding.step else None
    named = any_evidence(run, step) if step is not None else ()
    for places in (named, first_line_evidence(run)):
        found = find_quotes(run, places)
        if found:
            return tuple(found.values())[:1]
    disk = RunFiles(run.path)
    file = next(
        (piece.file for piece in finding.evidence if disk.exists(piece.file)), finding.evidence[0].file
    )
    return (Evidence(file, 1, ""),)


def find_quotes(run: Run, wanted: Iterable[Evidence]) -> dict[Evidence, Evidence]:
    """Each piece of evidence as it stands in its file; one that cannot be found again is not among them."""
    by_file: dict[str, set[Evidence]] = {}
    for evidence in wanted:
        by_file.setdefault(evidence.file, set()).add(evidence)
    found: dict[Evidence, Evidence] = {}
    for file, pieces in by_file.items():
        lines = _numbered(run, file, pieces)
        found |= _in_file(lines, file, pieces)
    return found


def _numbered(run: Run, file: str, pieces: Iterable[Evidence]) -> Iterable[tuple[int, bytes]]:
    """The lines of a file with their numbers; of a long log only those that are cited, where each is cited by number."""
    cited = {piece.line for piece in pieces}
    if file == layout.EVENTS and isinstance(run.events, LazyEvents) and 0 not in cited:
        log = run.events
        return ((line, log.raw_line(line - 1)) for line in sorted(cited))
    disk = RunFiles(run.path)
    return textlog.lines_of(disk, file) if file.endswith(".log") else disk.lines(file)


def _in_file(
    lines: Iterable[tuple[int, bytes]], file: str, pieces: set[Evidence]
) -> dict[Evidence, Evidence]:
    """Each piece at its line; a piece with line 0 at the first line that has its text, or else most of it."""
    at_line: dict[int, list[Evidence]] = {}
    for piece in pieces:
        at_line.setdefault(piece.line, []).append(piece)
    searched = {piece: _encoded(piece.quote) for piece in at_line.pop(0, [])}
    found: dict[Evidence, Evidence] = {}
    last = max(at_line, default=0)
    for number, raw in lines:
        here = [*at_line.get(number, ()), *_better_matches(searched, raw)]
        found |= {piece: _evidence_at(file, number, raw, piece.quote) for piece in here}
        if number >= last and not any(searched.values()):
            break
    return found


def _evidence_at(file: str, number: int, raw: bytes, wanted: str) -> Evidence:
    return Evidence(file, number, _verbatim(raw.decode("utf-8", "replace"), wanted))


def _better_matches(searched: dict[Evidence, list[bytes]], raw: bytes) -> list[Evidence]:
    """The pieces that a line has in a better form than the lines before it; only still better ones are searched on."""
    better = []
    for piece, forms in searched.items():
        rank = next((rank for rank, form in enumerate(forms) if form in raw), None)
        if rank is not None:
            searched[piece] = forms[:rank]
            better.append(piece)
    return better


def _encoded(wanted: str) -> list[bytes]:
    return [form.encode("utf-8", "replace") for form in _forms(wanted)]


def _forms(wanted: str) -> list[str]:
    """How a text may stand in a file: as it is, escaped, its first line or its beginning; the most exact form first."""
    texts = (wanted, wanted.partition("\n")[0], wanted[:60])
    forms = [
        form
        for text in texts
        for form in (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
    ]
    return [form for form in dict.fromkeys(forms) if form and (len(form) >= _SHORTEST or form == wanted)]


def _verbatim(line: str, wanted: str) -> str:
    """Return the start of the quote before its first secret, or else the name that the line has."""
    start, end = _place(line, wanted)
    quote = line[start : min(end, start + LONGEST)]
    masked = redact.mask_by_pattern(excerpt(line, len(quote), start))
    own = quote[: len(quote) - differing(quote, masked)]
    return (own if own == quote or len(own) >= _SHORTEST else "") or _name(line)


def _place(line: str, wanted: str) -> tuple[int, int]:
    """Where ``wanted`` stands in ``line``, as it is, escaped, by its first line, or as the name of a field."""
    for form in _forms(wanted):
        place = line.find(form)
        if place >= 0:
            return _with_value(line, place, place + len(form))
    name = _NAME.search(line)
    return name.span() if name else (0, min(len(line), 120))


def _with_value(line: str, start: int, end: int) -> tuple[int, int]:
    """A cited ``"key"`` or ``key`` takes its scalar value along."""
    field = re.compile(r'"?\s*:\s*(?:"(?:[^"\\]|\\.){0,160}"|[^,}\]\s"{\[]{1,40})').match(line, end)
    key = line[start:end].strip('"')
    if field is None or not re.fullmatch(r"\w+", key) or redact.is_secret_key(key):
        return start, end
    return (start - 1 if line[start - 1 : start] == '"' else start), field.end()


def _name(line: str) -> str:
    name = _NAME.search(line)
    return name[0] if name else line[:1]
