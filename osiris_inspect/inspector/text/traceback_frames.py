"""Frames of a traceback: where an exception was raised, and in which source line."""

import re
from typing import Literal, NamedTuple

from osiris_inspect.inspector.text.lazy_regex import LazyRegex

_FRAME = LazyRegex(
    r"^  File \"(?P<file>[^\"\n]{1,400})\", line \d{1,7}(?:, in (?P<function>[^\n]{1,200}))?\n"
    r"(?:    (?P<source>[^\n]{1,1000})\n)?",
    re.MULTILINE,
)
_LIBRARY = LazyRegex(r"[/\\](?:site|dist)-packages[/\\](?P<package>[A-Za-z_]\w{0,80})[/\\]")
_POSITION = LazyRegex(r'File "(?P<file>[^"\n]{1,400})", line (?P<line>\d{1,7})')
_CALLED = frozenset(
    [
        "pandas",
        "numpy",
        "pyarrow",
        "duckdb",
        "sqlalchemy",
        "pymysql",
        "psycopg2",
        "psycopg",
        "dateutil",
        "pytz",
        "httpx",
        "httpcore",
        "requests",
        "urllib3",
        "supabase",
        "postgrest",
        "json",
        "orjson",
        "fsspec",
        "openpyxl",
    ]
)
"""Libraries that drivers call; an error that they raise is the caller's."""
_STANDARD_LIBRARY = LazyRegex(
    r"^<frozen |[/\\]lib(?:64)?[/\\]python3\.\d{1,2}[/\\](?!site-packages|dist-packages)"
)
_MAX_TRACEBACK = 65536
_MAPPING = r"(?P<name>[A-Za-z_][\w.]{0,80})(?:\[[^\[\]\n]{1,80}\]){0,3} ?\[(?:f?['\"])%s['\"]\]"

_IN_PANDAS = LazyRegex(r"[/\\]pandas[/\\](?P<module>[\w/\\.]{1,200})\.pyx?$")
_OF_ROW = LazyRegex(r"(?i)(?:^|[^\w.])(?:row|rows|record|records|\w{1,40}_row)\[|\.iloc\[")
"""Source lines that read a cell of a row, whose labels are the columns."""
_OF_COLUMNS = LazyRegex(r"\.loc\[[^\[\]\n]{0,200},|\bcolumns ?=|\baxis ?= ?(?:1|['\"]columns)")

Lookup = Literal["column", "label", "group", ""]
"""What pandas looked up: a column, a label of an index, a group of a grouped DataFrame, or another thing."""


class Frame(NamedTuple):
    """A frame of a traceback; ``source`` is empty if the traceback does not contain the line."""

    file: str
    function: str
    source: str

    @property
    def package(self) -> str:
        """The installed package that contains the frame; empty outside of one."""
        match = _LIBRARY.search(self.file)
        return match["package"] if match else ""

    @property
    def is_own(self) -> bool:
        """True if the frame is in the code of the user: outside of packages and of the standard library."""
        return not self.package and _STANDARD_LIBRARY.search(self.file) is None


def raising_frame(traceback: str, exception: str) -> Frame | None:
    """Return the innermost frame of the last exception of a traceback whose line begins with ``exception``."""
    frames = _frames(traceback, exception)
    return frames[-1] if frames else None


def own_frame(traceback: str, exception: str) -> Frame | None:
    """Return the innermost frame of the user's code, see ``raising_frame``."""
    return next((frame for frame in reversed(_frames(traceback, exception)) if frame.is_own), None)


def _frames(traceback: str, exception: str) -> list[Frame]:
    end = traceback.rfind(f"\n{exception}")
    if end < 0:
        return []
    matches = _FRAME.finditer(traceback[max(0, end - 20_000) : end + 1])
    return [Frame(match["file"], match["function"] or "", match["source"] or "") for match in matches]


def pandas_lookup(traceback: str) -> Lookup:
    """Return what the call of pandas that raised a KeyError looked up."""
    frames = _frames(traceback[traceback.rfind("Traceback (most recent") :], "KeyError: ")
    own = next((frame.source for frame in reversed(frames) if frame.is_own), "")
    for frame in reversed(frames):
        match = _IN_PANDAS.search(frame.file)
        module = match["module"].replace("\\", "/") if match else ""
        if not module:
            return ""
        if module.startswith(("_libs/", "core/indexes/")):
            continue
        return _lookup_of(frame, module, own, is_apply=any("core/apply" in each.file for each in frames))
    return ""


def _lookup_of(frame: Frame, module: str, own: str, *, is_apply: bool) -> Lookup:
    if frame.function.endswith("get_group"):
        return "group"
    if module == "core/series":
        return "column" if is_apply or _OF_ROW.search(own) else "label"
    if module in ("core/indexing", "core/generic") and _OF_COLUMNS.search(own) is None:
        is_axis = module == "core/indexing" or frame.function in ("xs", "drop", "_drop_axis")
        return "label" if is_axis else "column"
    if module == "core/frame" and frame.function == "_get_value" and "self.index" in frame.source:
        return "label"
    return "column"


def last_file(traceback: str) -> str:
    """Return the file of the last frame of a traceback, which may be incomplete; empty if it has none."""
    positions = list(_POSITION.finditer(traceback[-_MAX_TRACEBACK:]))
    return positions[-1]["file"] if positions else ""


def raising_place(traceback: str) -> str | None:
    """Return ``FILE:LINE`` of the last frame outside of called libraries, else of the last frame."""
    positions = list(_POSITION.finditer(traceback[-_MAX_TRACEBACK:]))
    own = [position for position in positions if not _is_called(position["file"])]
    if not positions:
        return None
    last = (own or positions)[-1]
    file = last["file"].replace("\\", "/").rpartition("/")[2]
    return f"{file}:{last['line']}"


def _is_called(file: str) -> bool:
    library = _LIBRARY.search(file)
    if library is not None:
        return library["package"] in _CALLED
    return _STANDARD_LIBRARY.search(file) is not None


def subscripted_mapping(frame: Frame, key: str) -> str | None:
    """Return the expression whose key a frame reads, such as ``config`` of ``config["limit"]``."""
    match = re.search(_MAPPING % re.escape(key), frame.source)
    return match["name"] if match else None
