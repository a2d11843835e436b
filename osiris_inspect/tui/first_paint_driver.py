"""Terminal driver that shows the alternate screen only with its first complete paint.

The command line has printed the cause on the terminal by then. It stays visible until the first paint; the switch to
the alternate screen and the paint are one write.
"""

import re
import sys
from typing import Any

from textual.drivers.linux_driver import LinuxDriver

_ENTER_ALT_SCREEN = "\x1b[?1049h"
_KITTY_KEYBOARD = "\x1b[>"
"""Start of a keyboard protocol request. Terminals keep it per screen, so it is sent on the alternate one."""

_CURSOR_POSITION = re.compile(r"\x1b\[\d+;\d+H")
"""Sequence that every paint contains and no query to the terminal does."""


class FirstPaintDriver(LinuxDriver):
    """Driver that drops paints until ``reveal``, and enters the alternate screen with the next one."""

    _is_holding = True
    _has_entered = False
    _pending = _ENTER_ALT_SCREEN

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if (
            sys.__stderr__ is None or not sys.__stderr__.isatty()
        ):  # redirected; the app runs only on a terminal
            self._file = sys.__stdout__

    def write(self, data: str) -> None:
        """Write to the terminal; before ``reveal``, paints are dropped and keyboard requests are delayed."""
        if self._is_holding and data.startswith(_KITTY_KEYBOARD):
            self._pending += data
        elif self._is_holding and (data == _ENTER_ALT_SCREEN or _CURSOR_POSITION.search(data)):
            return
        elif not self._is_holding and not self._has_entered:
            self._has_entered = True
            super().write(self._pending + data)
        else:
            super().write(data)

    def reveal(self) -> bool:
        """Let the next paint through; return True if paints were dropped until now."""
        was_holding, self._is_holding = self._is_holding, False
        return was_holding

    def stop_application_mode(self) -> None:
        """Restore the terminal, which requires that the alternate screen was entered."""
        self.reveal()
        super().stop_application_mode()
