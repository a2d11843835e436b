"""The way from the words on the terminal to the screen: nothing blank is ever shown between the two.

The command line has written the verdict by the time this program has a screen. Until the first picture is whole, the
terminal stays as it is; then the other screen and the picture go out in one write.
"""

import re

from textual.drivers.linux_driver import LinuxDriver

_ENTER_ALT_SCREEN = "\x1b[?1049h"
_KITTY_KEYBOARD = "\x1b[>"
"""How a keyboard protocol is asked for. A terminal keeps one for each of its screens, so it is asked for on the other."""

_CURSOR_POSITION = re.compile(r"\x1b\[\d+;\d+H")
"""What stands in every picture and in none of the questions a driver asks the terminal."""


class FirstPaintDriver(LinuxDriver):
    """A driver that goes over to the other screen with its first picture after ``lift``."""

    _is_holding = True
    _has_entered = False
    _pending = _ENTER_ALT_SCREEN

    def write(self, data: str) -> None:
        """Write to the terminal; while the curtain is down pictures are dropped, and whoever lifts it paints again."""
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
        """Let the next picture through; whether that is new."""
        was_down, self._is_holding = self._is_holding, False
        return was_down

    def stop_application_mode(self) -> None:
        """Give the terminal back, from the other screen in any case."""
        self.reveal()
        super().stop_application_mode()
