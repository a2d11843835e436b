"""Substitution of ``${VAR}`` from the environment and a ``.env`` file; values are never written to disk."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from osiris_inspect.base.near_names import did_you_mean
from osiris_inspect.model.errors import PipelineError, Problem

FILE: Final = ".env"

_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s{0,200}(.*)\Z", re.DOTALL)
_VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)(?::-((?:[^{}]|\{[^{}]*\})*))?\}")
_ESCAPES: Mapping[str, str] = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "$": "$"}


@dataclass(frozen=True, slots=True)
class EnvironmentVariables:
    """Sources of variables.

    Attributes:
        environment: environment variables, which come first.
        from_file: variables of the ``.env`` file.
        file: the ``.env`` file; None if there is none.
        searched: the ``.env`` file that does not exist; None if it was not searched.
    """

    environment: Mapping[str, str]
    from_file: Mapping[str, str] = field(default_factory=dict)
    file: Path | None = None
    searched: Path | None = None

    def get(self, name: str) -> str | None:
        """Return the value of a variable; None if it is not set."""
        return self.environment.get(name, self.from_file.get(name))

    def similar(self, name: str) -> str:
        """Return ``; did you mean 'X'?`` with the variable of the file that is spelled like a name that is not set."""
        return did_you_mean(name, self.from_file)

    @property
    def sources(self) -> str:
        """Description of the sources, for messages."""
        if self.file is not None:
            return f"the environment and {self.file}"
        elsewhere = Path.cwd() / FILE
        if self.searched is not None and elsewhere.is_file():
            missing = (
                f"{self.searched.absolute()} does not exist, but {elsewhere} does: use --env-file {FILE}"
            )
            return f"the environment; {missing}"
        return f"the environment; there is no {FILE} file"


def read(environment: Mapping[str, str], file: Path | None) -> EnvironmentVariables:
    """Return the environment and the variables of the ``.env`` file, if it exists.

    Raises:
        PipelineError: names each unreadable line, but never its content.
    """
    if file is None or not file.is_file():
        return EnvironmentVariables(environment, searched=file)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PipelineError([Problem(f"cannot read the file: {_reason(error)}", str(file))]) from None
    return EnvironmentVariables(environment, parse(text, str(file)), file)


def parse(text: str, file: str) -> dict[str, str]:
    """Return the variables of a ``.env`` file: ``NAME=value`` lines with the quotes and comments of a shell.

    Raises:
        PipelineError: names each invalid line.
    """
    variables: dict[str, str] = {}
    problems = []
    lines = iter(enumerate(text.split("\n"), start=1))
    for number, line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.match(line.rstrip("\r"))
        if match is None:
            problems.append(Problem("invalid line; write NAME=value", file, number, 1))
            continue
        value = match[2]
        if value[:1] in ("'", '"'):
            quote = value[0]
            while _closing(value) is None:  # a quoted value may span several lines
                _, more = next(lines, (0, None))
                if more is None:
                    problems.append(Problem(f"missing closing {quote}", file, number, 1))
                    break
                value += "\n" + more
        variables[match[1]] = _value(value)
    if problems:
        raise PipelineError(problems)
    return variables


def substitute_variables(text: str, variables: EnvironmentVariables) -> tuple[str | None, tuple[str, ...]]:
    """Return ``text`` with its variables replaced, and the missing names; None as text if there are any.

    Replaces ``${VAR}`` and ``${VAR:-default}``; an empty variable takes its default, as in a shell.
    """
    missing: list[str] = []

    def replace(match: re.Match[str]) -> str:
        name, default = match[1], match[2]
        value = variables.get(name)
        if default is not None and not value:
            return substitute_variables(default, variables)[0] or ""
        if value is None:
            missing.append(name)
            return ""
        return value

    value = _VARIABLE.sub(replace, text)
    return None if missing else value, tuple(dict.fromkeys(missing))


def variables_of(text: str, variables: EnvironmentVariables) -> dict[str, tuple[str, str]]:
    """Return the name and the value of each variable that a text contains, by its reference, such as ``${VAR}``."""
    return {
        match[0]: (match[1], substitute_variables(match[0], variables)[0] or "")
        for match in _VARIABLE.finditer(text)
    }


def without_defaults(text: str) -> str:
    """Return a text with the defaults of its variables left out: they may be secrets."""
    return _VARIABLE.sub(
        lambda match: f"${{{match[1]}}}" if match[2] is None else f"${{{match[1]}:-…}}", text
    )


def contains_variable(value: Any) -> bool:
    """Return True if a value contains a variable."""
    return isinstance(value, str) and _VARIABLE.search(value) is not None


def _closing(value: str) -> int | None:
    pattern = r'"((?:[^"\\]|\\.)*)"' if value[0] == '"' else r"'[^']*'"
    match = re.match(pattern, value, re.DOTALL)
    return match.end() - 1 if match else None


def _value(text: str) -> str:
    if text[:1] in ("'", '"'):
        inner = text[1 : _closing(text)]
        if text[0] == "'":
            return inner
        return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[0]), inner)
    return re.split(r"\s#", text, maxsplit=1)[0].strip()


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else f"not UTF-8 at byte {error.start}"
