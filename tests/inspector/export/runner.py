"""What the runners of GitHub and Azure make of a job's stdout, from the rules that they document.

GitHub: a line that begins, after blanks, with ``::name props::`` is a command, and so is ``##[name props]`` anywhere in a
line; after ``stop-commands`` nothing is but the line that names the token. Azure: ``##vso[area.action props]`` anywhere.
"""

import re
from dataclasses import dataclass, field

COMMANDS = ("error", "warning", "notice", "debug", "group", "endgroup", "add-mask", "stop-commands", "set-output",
            "save-state", "set-env", "add-path", "echo", "add-matcher", "remove-matcher")  # fmt: skip
_V2 = re.compile(r"\s*::([^\s:]+)(?:\s+([^:]*?))?::(.*)", re.DOTALL)
_V1 = re.compile(r"##\[([^\s\]]+)(?:\s+([^\]]*))?\](.*)", re.DOTALL)
_VSO = re.compile(r"##vso\[([\w.]+)\s*([^\]]*)\](.*)", re.DOTALL)


@dataclass(frozen=True)
class Command:
    """A command as a runner takes it."""

    name: str
    properties: dict[str, str] = field(default_factory=dict)
    message: str = ""


def of_github(stdout: str) -> list[Command]:
    """The commands of a GitHub step; the brackets of stop-commands are obeyed and left out."""
    found: list[Command] = []
    token = None
    for line in re.split(r"\r\n|\n|\r", stdout):
        match = _V2.match(line)
        if token is not None:
            token = None if match and match[1] == token else token
            continue
        if match and match[1] == "stop-commands":
            token = match[3]
            assert token not in ("", "pause-logging", *COMMANDS), "a token the runner refuses"
            continue
        match = match if match and match[1] in COMMANDS else _V1.search(line)
        if match and match[1] in COMMANDS:
            found.append(Command(match[1], _properties(match[2], ",", _github), _github(match[3])))
    assert token is None, "the bracket was never closed"
    return found


def of_azure(stdout: str) -> list[Command]:
    """The commands of an Azure step, and what its log would show as one."""
    found = []
    for line in re.split(r"\r\n|\n|\r", stdout):
        match = _VSO.search(line)
        if match:
            found.append(Command(match[1], _properties(match[2], ";", _azure), _azure(match[3])))
        elif shown := re.match(r"\s*##\[(\w+)\]", line):
            found.append(Command(shown[1]))
    return found


def _properties(text: str | None, separator: str, unescape) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in (text or "").split(separator) if pair.strip())
    return {name.strip(): unescape(value) for name, _, value in pairs}


def _github(text: str) -> str:
    for code, sign in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, sign)
    return text


def _azure(text: str) -> str:
    for code, sign in (("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%3B", ";"), ("%AZP25", "%")):
        text = text.replace(code, sign)
    return text
