"""How a run goes, for people, on stderr: a line a step, and at a terminal a line that moves while a step runs."""

import threading
from time import monotonic
from types import TracebackType
from typing import Final, Self, TextIO

from osiris_inspect.cli.support import streams
from osiris_inspect.model.event import Event

_REDRAWN_S: Final = 0.5
_ERASE: Final = "\r\x1b[2K"


class Progress:
    """Sees the events of a run and says what a person wants to know of them.

    A context manager: while entered, a terminal shows the step at work, its rows and its seconds. Elsewhere there are
    plain lines only. Where nobody takes its lines any more it goes quiet, and the run goes on.
    """

    def __init__(self, err: TextIO, *, quiet: bool = False) -> None:
        self._err, self._quiet = err, quiet
        self._moves = err.isatty() and not quiet
        self._is_forgotten = False
        self._where: dict[str, str] = {}
        self._at_work: tuple[str, float] | None = None
        self._activity = ""
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._redraw, name="progress", daemon=True)

    def on_event(self, event: Event) -> None:
        """Take one event."""
        with self._lock:
            self._follow(event)
            line = None if self._quiet else self._line(event)
            if line is not None:
                self._say((_ERASE if self._moves else "") + line + "\n")

    def __enter__(self) -> Self:
        if self._moves:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        if self._moves:
            self._thread.join()
            self._say(_ERASE)

    def _redraw(self) -> None:
        while not self._stopped.wait(_REDRAWN_S):
            with self._lock:
                if self._at_work is not None:
                    step, since = self._at_work
                    self._say(f"{_ERASE}  … {step}  {self._activity}{monotonic() - since:.0f} s")

    def _say(self, text: str) -> None:
        if self._is_forgotten:
            return
        try:
            self._err.write(text)
            self._err.flush()
        except (OSError, ValueError):  # full, closed, or its reader is gone: that is no fault of the run
            self._is_forgotten = True
            streams.detach(self._err)

    def _follow(self, event: Event) -> None:
        match event.name, event.step:
            case "worker_started", _:
                self._at_work, self._activity = ("worker", monotonic()), "preparing  "
            case "cfg_opened", str(step):
                self._at_work, self._activity = (step, monotonic()), ""
            case "heartbeat", _:
                self._activity = _activity(event)
            case (
                ("step_complete" | "step_failed" | "prepare_failed" | "session_initialized" | "run_end"),
                _,
            ):
                self._at_work = None
            case "output_stored", str(step):
                self._where[step] = str(event.fields.get("storage"))

    def _line(self, event: Event) -> str | None:
        match event.name, event.step:
            case "run_start", _:
                return f"{event.fields['pipeline']} ({event.fields['mode']}) {event.session}"
            case "heartbeat", _ if not self._moves:
                return f"  … {event.step or 'worker'}  {_activity(event).rstrip()}"
            case "step_complete", str(step):
                return self._step_done(step, event)
            case (("step_failed" | "prepare_failed"), step):
                return f"  ✗ {step or 'worker'}  {_first_line(event.error or 'failed')}"
            case "step_skipped", str(step):
                return f"  ⊘ {step}  skipped because of {event.fields['because']}"
        return None

    def _step_done(self, step: str, event: Event) -> str:
        if event.row_count is None:
            return f"  ✓ {step}"
        where = self._where.get(step)
        kept = f" in {where}" if where in ("memory", "spill") else ""
        return f"  ✓ {step}  {event.row_count:,} rows{kept}  {event.duration_s or 0:.2f} s"


def _activity(event: Event) -> str:
    rows = event.fields.get("rows")
    return f"{event.fields.get('phase', 'at work')}  " + (f"{rows:,} rows  " if rows else "")


def _first_line(text: str) -> str:
    return (text.splitlines() or [""])[0]
