"""Values of ``${VAR}``: from the environment, then from a ``.env`` file; never written anywhere."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from osiris_inspect.model.errors import PipelineError, Problem

FILE: Final = ".env"

_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*)\Z", re.DOTALL)
_VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)(?::-((?:[^{}]|\{[^{}]*\})*))?\}")
_ESCAPES: Mapping[str, str] = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "$": "$"}


@dataclass(frozen=True, slots=True)
class EnvironmentVariables:
    """Where values of variables are looked for.

    Attributes:
        environment: comes first.
        of_file: what the ``.env`` file says.
        file: that file; None where there is none.
    """

    environment: Mapping[str, str]
    from_file: Mapping[str, str] = field(default_factory=dict)
    file: Path | None = None

    def get(self, name: str) -> str | None:
        """The value, None where it is set nowhere."""
        return self.environment.get(name, self.from_file.get(name))

    @property
    def describe_sources(self) -> str:
        """Where was looked, in words."""
        return "the environment" + (f" and {self.file}" if self.file else f"; there is no {FILE} file")


@dataclass(frozen=True, slots=True)
class Substituted:
    """A text with its variables filled in.

    Attributes:
        value: None if one of them is missing.
        missing: the names that are set nowhere and have no default.
        used: the values that came from variables.
    """

    value: str | None
    missing: tuple[str, ...] = ()
    used: tuple[str, ...] = ()


def read(environment: Mapping[str, str], file: Path | None) -> EnvironmentVariables:
    """The environment, and the ``.env`` file if it is there.

    Raises:
        PipelineError: a line of the file cannot be read; names it, and never what it holds.
    """
    if file is None or not file.is_file():
        return EnvironmentVariables(environment)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PipelineError([Problem(f"cannot be read: {_why(error)}", str(file))]) from None
    return EnvironmentVariables(environment, parse(text, str(file)), file)


def parse(text: str, file: str) -> dict[str, str]:
    """The variables in the text of a ``.env`` file: ``NAME=value`` a line, quotes and comments as in a shell.

    Raises:
        PipelineError: names every line that is none.
    """
    found: dict[str, str] = {}
    problems = []
    lines = iter(enumerate(text.split("\n"), start=1))
    for number, line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.match(line.rstrip("\r"))
        if match is None:
            problems.append(Problem("this line is no NAME=value", file, number, 1))
            continue
        value = match[2]
        if value[:1] in ("'", '"'):
            quote = value[0]
            while _closing(value) is None:  # a value in quotes may go over several lines
                _, more = next(lines, (0, None))
                if more is None:
                    problems.append(Problem(f"the {quote} that begins here is never closed", file, number, 1))
                    break
                value += "\n" + more
        found[match[1]] = _value(value)
    if problems:
        raise PipelineError(problems)
    return found


def substitute_variables(text: str, variables: EnvironmentVariables) -> Substituted:
    """``text`` with each ``${VAR}`` and ``${VAR:-default}`` replaced; an empty variable takes the default, as in a shell."""
    missing: list[str] = []
    used: list[str] = []

    def replace(match: re.Match[str]) -> str:
        name, default = match[1], match[2]
        value = variables.get(name)
        if default is not None and not value:
            return substitute_variables(default, variables).value or ""
        if value is None:
            missing.append(name)
            return ""
        used.append(value)
        return value

    value = _VARIABLE.sub(replace, text)
    return Substituted(None if missing else value, tuple(dict.fromkeys(missing)), tuple(used))


def contains_variable(value: Any) -> bool:
    """Whether a value names a variable."""
    return isinstance(value, str) and _VARIABLE.search(value) is not None


def _closing(value: str) -> int | None:
    place = 1
    while place < len(value):
        if value[place] == "\\" and value[0] == '"':
            place += 1
        elif value[place] == value[0]:
            return place
        place += 1
    return None


def _value(text: str) -> str:
    if text[:1] in ("'", '"'):
        inner = text[1 : _closing(text)]
        if text[0] == "'":
            return inner
        return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[0]), inner)
    return re.split(r"\s#", text, maxsplit=1)[0].strip()


def _why(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else f"not UTF-8 at byte {error.start}"
