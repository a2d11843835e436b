"""``osiris-inspect --spec``: commands, options, formats, rules and exit codes as JSON, read from the typer application."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import NoneType
from typing import Any, Final, Literal, get_args, get_origin

import typer
from typer.models import ArgumentInfo, OptionInfo

from osiris_inspect.cli.inspect import report_output as outputs
from osiris_inspect.cli.support import exit_codes as exits
from osiris_inspect.cli.support import project_reports
from osiris_inspect.model.version import __version__

SCHEMA_VERSION: Final = 1
_TYPES: Final[Mapping[Any, str]] = {bool: "flag", str: "text", int: "number", float: "number", Path: "path"}


def build_spec(app: typer.Typer) -> dict[str, Any]:
    """Return the description of the program."""
    return {
        "schema_version": SCHEMA_VERSION,
        "version": __version__,
        "commands": list(_commands(app)),
        "formats": [
            {"name": name, "in_files": name not in outputs.LOG_ONLY_FORMATS}
            for name in outputs.format_names()
        ],
        "rules": [
            {"id": rule.id, "finds": rule.rule_manual.partition("\n")[0], "needs": list(rule.needs)}
            for rule in project_reports.rules()
        ],
        "exit_codes": [{"code": code, "means": means} for code, means in exits.MEANINGS.items()],
    }


def _commands(app: typer.Typer, above: str = "") -> Iterator[dict[str, Any]]:
    """Yield every command; those of a group with its name in front: ``connections list``."""
    for info in app.registered_commands:
        if info.callback is not None and not info.hidden:
            yield _command(f"{above}{info.name or info.callback.__name__}", info.callback)
    for group in app.registered_groups:
        if group.typer_instance is not None and not group.hidden:
            yield from _commands(
                group.typer_instance, f"{above}{group.name or group.typer_instance.info.name} "
            )


def _command(name: str, callback: Callable[..., Any]) -> dict[str, Any]:
    parameters = [
        _parameter(entry) for entry in inspect.signature(callback, eval_str=True).parameters.values()
    ]
    return {
        "name": name,
        "help": inspect.cleandoc(callback.__doc__ or ""),
        "arguments": [parameter for parameter in parameters if not parameter["flags"]],
        "options": [parameter for parameter in parameters if parameter["flags"]],
    }


def _parameter(entry: inspect.Parameter) -> dict[str, Any]:
    annotation, *metadata = get_args(entry.annotation) or (entry.annotation,)
    info = next((item for item in metadata if isinstance(item, OptionInfo | ArgumentInfo)), None)
    kind, choices, multiple = _type(annotation if info is not None else entry.annotation)
    is_required = entry.default is inspect.Parameter.empty
    return {
        "name": (info.metavar if isinstance(info, ArgumentInfo) else None) or entry.name,
        "flags": _flags(entry.name, kind, info) if isinstance(info, OptionInfo) else [],
        "type": kind,
        "choices": choices,
        "several": multiple,
        "required": is_required,
        "default": None if is_required or entry.default in ([], None) else _json_value(entry.default),
        "help": info.help or "" if info is not None else "",
    }


def _flags(name: str, kind: str, info: OptionInfo) -> list[str]:
    # typer keeps the first name of an option in ``default``
    declared = [*([info.default] if isinstance(info.default, str) else []), *(info.param_decls or ())]
    if declared:
        return [flag for names in declared for flag in names.split("/")]  # --force-spill/--no-force-spill
    long = name.rstrip("_").replace("_", "-")
    return [f"--{long}", f"--no-{long}"] if kind == "flag" else [f"--{long}"]


def _type(annotation: Any) -> tuple[str, list[str], bool]:
    """Return the type of a value, its choices, and True if it can be repeated."""
    if get_origin(annotation) is Literal:
        return "choice", [str(choice) for choice in get_args(annotation)], False
    if get_origin(annotation) is list:
        kind, choices, _ = _type(get_args(annotation)[0])
        return kind, choices, True
    for member in get_args(annotation):  # X | None
        if member is not NoneType:
            return _type(member)
    return _TYPES.get(annotation, "text"), [], False


def _json_value(value: Any) -> Any:
    return value if isinstance(value, str | int | float) else str(value)
