"""Verification of quotes: each piece of evidence is looked up again in the file it names.

A rule cites a part of a decoded text, or a field name. Here it becomes the exact text of the line in the file, escapes
included, cut before a secret. Evidence that is not found is dropped. A finding without any evidence left cites the
line that names its step; it is never dropped, otherwise its consequences would become causes.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from operator import itemgetter

from osiris_inspect.inspector.diagnosis.evidence.citations import any_evidence, first_line_evidence
from osiris_inspect.inspector.files import text_log
from osiris_inspect.inspector.files.run_files import RunFiles
from osiris_inspect.inspector.run.run import LazyEvents, Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.sanitize import clear_end
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.finding import Evidence, Finding
from osiris_inspect.model.redaction import is_secret_key

MAX_QUOTE = 240
"""Characters of a quote."""
_MIN_QUOTE = 6
_MIN_CUT_QUOTE = 60
"""Characters from which the end of a quote may be that of a cut text."""
_MAX_WORD = 30
_REST_OF_WORD = LazyRegex(r"\w{1,30}")
_NAME_FIELD = LazyRegex(r'"(?:event|name|metric|cmd|step_id)"\s*:\s*"[^"\\]{1,80}"')
_FIELD_VALUE = LazyRegex(r'"?\s*:\s*(?:"(?:[^"\\]|\\.){0,160}"|[^,}\]\s"{\[]{1,40})')


def verify_quotes(run: Run, findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings with verbatim evidence; without any, with the line that names their step."""
    quotes = find_quotes(run, [evidence for finding in findings for evidence in finding.evidence])
    verified = []
    for finding in findings:
        evidence = tuple(dict.fromkeys(quotes[item] for item in finding.evidence if item in quotes))
        verified.append(replace(finding, evidence=evidence or _fallback_evidence(run, finding)))
    return verified


def _fallback_evidence(run: Run, finding: Finding) -> tuple[Evidence, ...]:
    """Return a line that names the step, else any line, else the file with an empty quote."""
    step = run.step(finding.step) if finding.step else None
    for candidates in (any_evidence(run, step) if step else (), first_line_evidence(run)):
        quotes = find_quotes(run, candidates)
        if quotes:
            return tuple(quotes.values())[:1]
    files = [item.file for item in finding.evidence]
    disk = RunFiles(run.path)
    return (Evidence(next((file for file in files if disk.exists(file)), files[0]), 1, ""),)


def find_quotes(run: Run, evidence: Iterable[Evidence]) -> dict[Evidence, Evidence]:
    """Map each piece of evidence to its verbatim form; evidence that is not found is left out."""
    by_file: dict[str, set[Evidence]] = {}
    for item in evidence:
        by_file.setdefault(item.file, set()).add(item)
    quotes: dict[Evidence, Evidence] = {}
    for file, items in by_file.items():
        quotes |= _find_in_lines(_numbered_lines(run, file, items), items)
    return quotes


def _numbered_lines(run: Run, file: str, items: Iterable[Evidence]) -> Iterable[tuple[int, bytes]]:
    """Return the numbered lines of a file; of a long log only the cited ones, if all have a number."""
    cited = {item.line for item in items}
    if file == layout.EVENTS and isinstance(run.events, LazyEvents) and 0 not in cited:
        log = run.events
        return ((line, log.raw_line(line - 1)) for line in sorted(cited))
    disk = RunFiles(run.path)
    return text_log.lines_of(disk, file) if file.endswith(".log") else disk.lines(file)


def _find_in_lines(lines: Iterable[tuple[int, bytes]], items: set[Evidence]) -> dict[Evidence, Evidence]:
    """Find each item at its line; an item with line 0 at the first line with the best form of its text."""
    by_line: dict[int, list[Evidence]] = {}
    for item in items:
        by_line.setdefault(item.line, []).append(item)
    searched = {
        item: [form.encode("utf-8", "replace") for form in _forms(item.quote)] for item in by_line.pop(0, [])
    }
    quotes: dict[Evidence, Evidence] = {}
    last = max(by_line, default=0)
    for number, raw in lines:
        cited = (*by_line.get(number, ()), *_better_matches(searched, raw))
        line = raw.decode("utf-8", "replace") if cited else ""
        spans = [(_span(line, item.quote), item) for item in cited]
        for (start, end), item in sorted(spans, key=itemgetter(0)):  # neighbours share what is masked
            quotes[item] = Evidence(item.file, number, _verbatim(line, start, end))
        if number >= last and not any(searched.values()):
            break
    return quotes


def _better_matches(searched: dict[Evidence, list[bytes]], raw: bytes) -> list[Evidence]:
    """Return the items that a line contains in a better form than all earlier lines."""
    better = []
    for item, forms in searched.items():
        rank = next((rank for rank, form in enumerate(forms) if form in raw), None)
        if rank is not None:
            searched[item] = forms[:rank]
            better.append(item)
    return better


def _forms(text: str) -> list[str]:
    """Return the forms a text can have in a file, best first: as is, escaped, its first line, its start."""
    forms = [
        form
        for part in (text, text.partition("\n")[0], text[:60])
        for form in (part, json.dumps(part)[1:-1], json.dumps(part, ensure_ascii=False)[1:-1])
    ]
    return [form for form in dict.fromkeys(forms) if form and (len(form) >= _MIN_QUOTE or form == text)]


def _verbatim(line: str, start: int, end: int) -> str:
    """Return the quote up to its first secret, or the name field of the line if too little is left."""
    end = _end_of_word(line, start, end)
    own_end = clear_end(line, start, end)
    if own_end > start and (own_end == end or own_end - start >= _MIN_QUOTE):
        return line[start:own_end]
    name = _NAME_FIELD.search(line)
    return name[0] if name else line[:1]


def _end_of_word(line: str, start: int, end: int) -> int:
    """Return the end of a quote, moved to the end of a word if a long quote was cut inside of one."""
    cut = min(end, start + MAX_QUOTE)
    if cut - start < _MIN_CUT_QUOTE or not line[cut - 1 : cut + 1].isalnum() or cut >= len(line):
        return cut
    rest = _REST_OF_WORD.match(line, cut)
    if (
        rest is not None
        and rest.end() - start <= MAX_QUOTE
        and not line[rest.end() : rest.end() + 1].isalnum()
    ):
        return rest.end()
    space = line.rfind(" ", cut - _MAX_WORD, cut)
    return space if space > start else cut


def _span(line: str, text: str) -> tuple[int, int]:
    """Return the span of a text in a line, else that of the name field or the line's start."""
    for form in _forms(text):
        start = line.find(form)
        if start >= 0:
            return _with_value(line, start, start + len(form))
    name = _NAME_FIELD.search(line)
    return name.span() if name else (0, min(len(line), 120))


def _with_value(line: str, start: int, end: int) -> tuple[int, int]:
    """Extend the span of a cited ``"key"`` or ``key`` to its scalar value."""
    field = _FIELD_VALUE.match(line, end)
    key = line[start:end].strip('"')
    if field is None or not re.fullmatch(r"\w+", key) or is_secret_key(key):
        return start, end
    return (start - 1 if line[start - 1 : start] == '"' else start), field.end()
