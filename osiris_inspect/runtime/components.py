"""What each component is and takes: the one place that compile, masking, the worker's checks and the manual read.

A component says all this as a value, so that asking about it imports neither its driver nor its client library.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["text", "whole", "number", "switch", "list", "map"]
Mode = Literal["read", "transform", "write"]

_PYTHON: Mapping[Kind, tuple[type, ...]] = {
    "text": (str,),
    "whole": (int,),
    "number": (int, float),
    "switch": (bool,),
    "list": (list,),
    "map": (dict,),
}


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a component's configuration. ``default`` None means: absent unless written."""

    name: str
    kind: Kind
    says: str
    required: bool = False
    default: Any = None
    choices: tuple[Any, ...] = ()
    secret: bool = False

    def problem(self, value: Any) -> str | None:
        """Why ``value`` cannot stand here, None where it can."""
        right_type = isinstance(value, _PYTHON[self.kind]) and (self.kind == "switch") == isinstance(
            value, bool
        )
        if not right_type:
            return f"{self.name!r} takes {_ARTICLE[self.kind]}, not {value!r}"
        if self.choices and value not in self.choices:
            return f"{self.name!r} is {value!r}; it takes one of {', '.join(map(repr, self.choices))}"
        return None


_ARTICLE: Mapping[Kind, str] = {
    "text": "text",
    "whole": "a whole number",
    "number": "a number",
    "switch": "true or false",
    "list": "a list",
    "map": "a map",
}


@dataclass(frozen=True, slots=True)
class Component:
    """A component of pipelines.

    Attributes:
        name: what pipelines call it, e.g. ``duckdb.processor``.
        driver: ``module:class`` of what runs it.
        modes: the modes it can be used in; the first is the usual one.
        inputs: how many frames it takes.
        gives_frame: whether its result is a frame.
        requires: modules its driver imports, checked before the first step.
        extra: the extra of this package that brings them; None where they come anyway.
        family: the family of connections it uses, None for none.
    """

    name: str
    summary: str
    driver: str
    modes: tuple[Mode, ...]
    keys: tuple[Key, ...]
    inputs: Literal["none", "one", "many"]
    gives_frame: bool
    requires: tuple[str, ...] = ()
    extra: str | None = None
    family: str | None = None

    def key(self, name: str) -> Key | None:
        """The key of that name."""
        return next((key for key in self.keys if key.name == name), None)

    @property
    def defaults(self) -> dict[str, Any]:
        """The keys that have a value without being written."""
        return {key.name: key.default for key in self.keys if key.default is not None}


_ENCODING = Key("encoding", "text", "the file's encoding", default="utf-8")
_DELIMITER = Key("delimiter", "text", "what stands between two fields", default=",")

_BUILT_IN = (
    Component(
        name="filesystem.csv_extractor",
        summary="Reads a CSV file into a frame.",
        driver="osiris_inspect.runtime.drivers.csv:CsvExtractor",
        modes=("read",),
        keys=(
            Key("path", "text", "the file, relative to the working folder", required=True),
            _DELIMITER,
            _ENCODING,
            Key("header", "switch", "whether the first line names the columns", default=True),
            Key("columns", "list", "the columns to read, in this order; all of them where absent"),
        ),
        inputs="none",
        gives_frame=True,
        requires=("pandas",),
    ),
    Component(
        name="filesystem.csv_writer",
        summary="Writes a frame to a CSV file, whole or not at all; the order of the columns is kept.",
        driver="osiris_inspect.runtime.drivers.csv:CsvWriter",
        modes=("write",),
        keys=(
            Key("path", "text", "the file, relative to the working folder", required=True),
            _DELIMITER,
            _ENCODING,
            Key("header", "switch", "whether to write the names of the columns", default=True),
            Key("newline", "text", "how a line ends", default="lf", choices=("lf", "crlf")),
            Key("create_dirs", "switch", "whether to make missing folders", default=True),
        ),
        inputs="one",
        gives_frame=False,
        requires=("pandas",),
    ),
    Component(
        name="duckdb.processor",
        summary="Runs SQL over its inputs; the last statement's result is the frame it gives.",
        driver="osiris_inspect.runtime.drivers.duckdb:DuckdbProcessor",
        modes=("transform",),
        keys=(
            Key(
                "query",
                "text",
                "SQL; one input is the table input_df, each one also df_<upstream step>",
                required=True,
            ),
            Key("allow_external", "switch", "whether the SQL may read and write files", default=False),
            Key("memory_limit", "text", "memory DuckDB may use, e.g. 2GB"),
            Key("threads", "whole", "threads DuckDB may use"),
        ),
        inputs="many",
        gives_frame=True,
        requires=("duckdb", "pyarrow"),
    ),
)


def known() -> Mapping[str, Component]:
    """Every component there is, by name."""
    return {component.name: component for component in _BUILT_IN}
