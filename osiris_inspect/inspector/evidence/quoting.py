"""Quotes made verbatim: each piece of evidence is looked up again in the file it names.

A rule cites what it knows: a part of a decoded text, or the name of a field. Here it becomes a part of the line as it
stands in the file, escapes and all, cut before a secret. What cannot be found again is no evidence.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from osiris_inspect.inspector.disk import Disk
from osiris_inspect.inspector.reading import textlog
from osiris_inspect.inspector.run import Abridged, Run
from osiris_inspect.model import layout, redact
from osiris_inspect.model.finding import Evidence, Finding

LONGEST = 240
"""Characters of a quote."""
_AROUND = 1000
_SHORTEST = 6
_NAME = re.compile(r'"(?:event|name|metric|cmd|step_id)"\s*:\s*"[^"\\]{1,80}"')


def quoted(run: Run, findings: Sequence[Finding]) -> list[Finding]:
    """The findings with their evidence word for word; a finding without any is left out."""
    found = verbatim(run, [evidence for finding in findings for evidence in finding.evidence])
    proved = []
    for finding in findings:
        evidence = tuple(dict.fromkeys(found[item] for item in finding.evidence if item in found))
        if evidence:
            proved.append(replace(finding, evidence=evidence))
    return proved


def verbatim(run: Run, wanted: Iterable[Evidence]) -> dict[Evidence, Evidence]:
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
    if file == layout.EVENTS and isinstance(run.events, Abridged) and 0 not in cited:
        log = run.events
        return ((line, log.raw(line - 1)) for line in sorted(cited))
    disk = Disk(run.path)
    return textlog.lines_of(disk, file) if file.endswith(".log") else disk.lines(file)


def _in_file(
    lines: Iterable[tuple[int, bytes]], file: str, pieces: set[Evidence]
) -> dict[Evidence, Evidence]:
    """Each piece at its line; a piece with line 0 at the first line that has its text."""
    at_line: dict[int, list[Evidence]] = {}
    for piece in pieces:
        at_line.setdefault(piece.line, []).append(piece)
    searched = {piece.quote: piece for piece in at_line.pop(0, [])}
    found: dict[Evidence, Evidence] = {}
    last = max(at_line, default=0)
    for number, raw in lines:
        for piece in at_line.get(number, ()):
            found[piece] = Evidence(file, number, _verbatim(raw.decode("utf-8", "replace"), piece.quote))
        for text in [text for text in searched if text.encode("utf-8", "replace") in raw]:
            piece = searched.pop(text)
            found[piece] = Evidence(file, number, _verbatim(raw.decode("utf-8", "replace"), text))
        if number >= last and not searched:
            break
    return found


def _verbatim(line: str, wanted: str) -> str:
    start, end = _place(line, wanted)
    end = min(end, start + LONGEST)
    around = line[max(0, start - _AROUND) : end + _AROUND]
    return _without_secret(line[start:end], redact.mask_patterns(around)) or _name(line)


def _place(line: str, wanted: str) -> tuple[int, int]:
    """Where ``wanted`` stands in ``line``, as it is, escaped, by its first line, or as the name of a field."""
    for text in (wanted, wanted.partition("\n")[0], wanted[:60]):
        for form in (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
            place = line.find(form) if form else -1
            if place >= 0 and (len(form) >= _SHORTEST or form == wanted):
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


def _without_secret(quote: str, masked: str) -> str:
    """The longest start of ``quote`` that no mask touches; empty where nothing worth showing is left."""
    if quote in masked and redact.mask_patterns(quote) == quote:
        return quote
    own = _common_start(quote, redact.mask_patterns(quote))
    while len(own) >= _SHORTEST and own not in masked:
        own = own[: len(own) // 2]
    return own if len(own) >= _SHORTEST else ""


def _common_start(one: str, other: str) -> str:
    same = next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    return one[: min(len(one), len(other)) if same is None else same]


def _name(line: str) -> str:
    name = _NAME.search(line)
    return name[0] if name else line[:1]
