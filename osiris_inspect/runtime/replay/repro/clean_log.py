"""Cleans the files of a run for others: paths, names of users and machines, and what only describes the machine."""

import re
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from osiris_inspect.model.redaction import Redactor
from osiris_inspect.runtime.replay.repro.known_texts import KnownTexts

_PACKAGE: Final = Path(__file__).parents[3]
_FILE: Final = re.compile(r'(File ")(?:/|[A-Za-z]:\\)[^"\n]{0,400}?([^/\\"\n]{1,200}")')
_WORD: Final = re.compile(r"[A-Za-z_]\w*")
_GRANTS: Final = "grants"
_OF_MACHINE: Final = {
    "environment": ("memory_bytes", "disk_free_bytes"),
    "worker_started": (_GRANTS,),
}
"""Fields of events that are left out."""


class Cleaner:
    """Replaces secrets, paths and names in texts.

    Paths in ``own`` folders become relative to them. Other folders become ``~``, ``<packages>``, ``<python>`` or what ``folders`` says; those of other files in tracebacks are left out.
    """

    def __init__(self, known: KnownTexts, own: Iterable[str], folders: Mapping[str, str]) -> None:
        self._own = tuple(f"{folder}/" for folder in own)
        self._redactor = Redactor(known.secrets)
        known_folders = {
            **_python_folders(),
            **{text: "~" for text, name in known.names.items() if name == "home folder"},
            **folders,
        }
        self._folders = {text: new for text, new in known_folders.items() if len(text) > 1}
        self._pattern = _alternatives(self._folders, r"(?![\w.-])")
        words = {text.lower(): f"<{name}>" for text, name in known.names.items() if "/" not in text}
        self._words = words
        self._word_pattern = _alternatives(words, r"(?![A-Za-z0-9_])", r"(?<![A-Za-z0-9_])", re.IGNORECASE)

    def text(self, text: str) -> str:
        """Return a text without secrets, folders and names."""
        text = self._redactor.redact_text(text)
        for folder in self._own:
            text = text.replace(folder, "")
        if self._pattern is not None:
            text = self._pattern.sub(lambda match: self._folders[match[0]], text)
        text = _FILE.sub(_shortened, text)
        if self._word_pattern is not None:
            text = self._word_pattern.sub(lambda match: self._words[match[0].lower()], text)
        return text

    def value(self, value: Any) -> Any:
        """Return a JSON value with its texts cleaned; a single word stays, because it may be the name of a step."""
        if isinstance(value, str):
            return self.text(value) if re.search(r"[\s/\\]", value) else self._redactor.redact_text(value)
        if isinstance(value, Mapping):
            return {key: self.value(item) for key, item in value.items()}
        return [self.value(item) for item in value] if isinstance(value, list) else value

    def json(self, content: bytes) -> bytes:
        """Return a JSON file with its texts cleaned; one that is clean stays as it is."""
        document = orjson.loads(content)
        cleaned = self.value(document)
        if isinstance(cleaned, dict):
            cleaned.pop(_GRANTS, None)
        return content if cleaned == document else orjson.dumps(cleaned, option=orjson.OPT_INDENT_2)

    def log(self, content: bytes, error: str) -> bytes:
        """Return a log of events, cleaned; of the variables, those stay that the error names."""
        named = set(_WORD.findall(error))
        return b"".join(
            orjson.dumps(self.value(_event(orjson.loads(line), named))) + b"\n"
            for line in content.splitlines()
        )


def _event(event: dict[str, Any], named: Iterable[str]) -> dict[str, Any]:
    """Return an event without the fields that describe the machine."""
    left_out = _OF_MACHINE.get(event.get("event", ""), ())
    event = {name: value for name, value in event.items() if name not in left_out}
    if "variables" in event:
        event["variables"] = [name for name in event["variables"] if name in named]
    return event


def _shortened(match: re.Match[str]) -> str:
    return match[0] if "<" in match[0] else f"{match[1]}<elsewhere>/{match[2]}"


def _python_folders() -> dict[str, str]:
    paths = sysconfig.get_paths()
    folders = {sys.prefix: "<python>", sys.base_prefix: "<python>", sys.exec_prefix: "<python>"}
    folders |= {paths[name]: "<python>" for name in ("stdlib", "platstdlib")}
    folders[str(_PACKAGE.parent)] = "<packages>"
    # the name stays, because it tells frames of packages from those of the user
    folders |= {paths[name]: "<packages>/site-packages" for name in ("purelib", "platlib")}
    return folders


def _alternatives(
    texts: Iterable[str], after: str, before: str = "", flags: int = 0
) -> re.Pattern[str] | None:
    words = "|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True))
    return re.compile(f"{before}(?:{words}){after}", flags) if words else None
