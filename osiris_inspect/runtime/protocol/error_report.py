"""An error as the wire carries it: what it is, what it says, what led to it. Nothing in here raises."""

import traceback
from typing import Any, Final

from osiris_inspect.model.errors import OsirisError, log_name

_LONGEST_CHAIN: Final = 10  # a chain of causes may be a circle


def error_to_dict(error: BaseException) -> dict[str, Any]:
    """An error as JSON: type, message, the chain of causes, traceback."""
    causes: list[dict[str, str]] = []
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    while cause is not None and len(causes) < _LONGEST_CHAIN:
        causes.append({"type": log_name(cause), "message": _message(cause)})
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return {
        "type": log_name(error),
        "message": _message(error),
        "causes": causes,
        "traceback": _traceback(error),
    }


def _message(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"the driver called sys.exit({error.code!r})"
    if isinstance(error, OsirisError):
        return str(error)
    try:
        return str(error) or type(error).__name__
    except Exception as second:  # noqa: BLE001  the error's class is other people's code
        return f"{type(error).__name__}, whose text raises {type(second).__name__}"


def _traceback(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error))
    except Exception as second:  # noqa: BLE001  the error's class is other people's code
        frames = "".join(traceback.format_tb(error.__traceback__))
        return f"{frames}{type(error).__name__}, whose text raises {type(second).__name__}"
