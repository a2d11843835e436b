"""Progress of a run on stderr: one line per step, and on a terminal a line that is updated while a step runs."""

import threading
from time import monotonic
from typing import Final, Self, TextIO

from osiris_inspect.cli.support import streams
from osiris_inspect.model.event import Event
from osiris_inspect.model.redaction import mask_by_pattern

_REDRAW_INTERVAL_S: Final = 0.5
_BY_PLACE: Final = (
    "{} of the secrets is short, a common word or a name in this run: masked after a key and in addresses only; "
    "choose another password"
)
_ERASE: Final = "\r\x1b[2K"


class Progress:
    """Prints the progress of a run from its events.

    A context manager: while it is entered, a terminal shows the running step with its rows and seconds. If stderr cannot be
    written any more, it prints nothing, and the run goes on.
    """

    def __init__(self, err: TextIO, *, quiet: bool = False) -> None:
        self._err, self._quiet = err, quiet
        self._is_terminal = err.isatty() and not quiet
        self._is_detached = False
        self._storage: dict[str, str] = {}
        self._running: tuple[str, float] | None = None
        self._activity = ""
        self._steps, self._ended = 0, 0
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._redraw, name="progress", daemon=True)

    def on_event(self, event: Event) -> None:
        """Print the line of one event, if it has one."""
        with self._lock:
            self._follow(event)
            line = None if self._quiet else self._line(event)
            if line is not None:
                self._write(line + "\n")

    def __enter__(self) -> Self:
        if self._is_terminal:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        if self._is_terminal:
            self._thread.join()
            self._write("")

    def _redraw(self) -> None:
        while not self._stopped.wait(_REDRAW_INTERVAL_S):
            with self._lock:
                if self._running is not None:
                    step, since = self._running
                    elapsed = f"{monotonic() - since:.0f} s"
                    self._write(f"  … {step}  {self._activity}{elapsed}{self._position()}")

    def _position(self) -> str:
        """Return which step of the run is running, and where the frames of the others are."""
        position = f"  step {self._ended + 1} of {self._steps}" if self._steps > 1 else ""
        counts = [
            f"{count:,} in {place}"
            for place in ("memory", "spill")
            if (count := list(self._storage.values()).count(place))
        ]
        return position + (f"  frames: {', '.join(counts)}" if counts else "")

    def _write(self, text: str) -> None:
        """Write a text; on a terminal in place of the line that is updated."""
        if self._is_detached:
            return
        try:
            streams.write_text(self._err, text, control=_ERASE if self._is_terminal else "")
            self._err.flush()
        except (OSError, ValueError):  # the disk is full, or stderr is closed or has no reader
            self._is_detached = True
            streams.detach(self._err)

    def _follow(self, event: Event) -> None:
        match event.name, event.step:
            case "worker_started", _:
                self._running, self._activity = ("worker", monotonic()), "starting  "
            case "cfg_opened", str(step):
                self._running, self._activity = (step, monotonic()), ""
            case "heartbeat", _:
                self._activity = _activity(event) + self._rate(event)
            case "plan", _ if isinstance(event.fields.get("steps"), list):
                self._steps = len(event.fields["steps"])
            case (("step_skipped" | "step_reused"), _):
                self._ended += 1
            case (("step_complete" | "step_failed"), _):
                self._running, self._ended = None, self._ended + 1
            case "step_retry", _:
                self._ended -= 1
            case (("prepare_failed" | "session_initialized" | "run_end"), _):
                self._running = None
            case "output_stored", str(step):
                self._storage[step] = str(event.fields.get("storage"))

    def _rate(self, event: Event) -> str:
        rows = event.row_count
        seconds = monotonic() - self._running[1] if self._running is not None else 0
        return f"{rows / seconds:,.0f} rows/s  " if rows and seconds >= 1 else ""

    def _line(self, event: Event) -> str | None:  # noqa: PLR0911  one line an event
        match event.name, event.step:
            case "run_start", _:
                return f"{event.fields['pipeline']} ({event.fields['mode']}) {event.session}"
            case "secrets_masked_by_place", _:
                return f"  ! {_BY_PLACE.format(event.fields['count'])}"
            case "heartbeat", _ if not self._is_terminal:
                return f"  … {event.step or 'worker'}  {_activity(event).rstrip()}"
            case (("worker_silent" | "step_waiting"), _):
                return f"  ! {event.step or 'worker'}  {_warning(event)}"
            case "step_complete", str(step):
                return self._step_done(step, event)
            case (("step_failed" | "prepare_failed"), step):
                return f"  ✗ {step or 'worker'}  {_first_line(event.error or 'failed')}"
            case "step_reused", str(step):
                return f"  ↺ {step}  of {event.fields['from_run']}"
            case "step_retry", str(step):
                attempt, of, wait = (event.fields[key] for key in ("attempt", "of", "wait_s"))
                return f"  ~ {step}  attempt {attempt} of {of} in {wait:g} s"
            case "step_skipped", str(step):
                return f"  ⊘ {step}  skipped because of {event.fields['because']}"
        return None

    def _step_done(self, step: str, event: Event) -> str:
        if event.row_count is None:
            return f"  ✓ {step}"
        storage = self._storage.get(step)
        suffix = f" in {storage}" if storage in ("memory", "spill") else ""
        return f"  ✓ {step}  {event.row_count:,} rows{suffix}  {event.duration_s or 0:.2f} s"


def _activity(event: Event) -> str:
    rows = event.row_count
    return f"{event.fields.get('phase', 'running')}  " + (f"{rows:,} rows  " if rows else "")


def _warning(event: Event) -> str:
    if event.name == "worker_silent":
        return f"no heartbeat for {event.fields['silent_s']:.0f} s, state: {event.fields['state']}"
    frame = event.fields.get("frame") or {}
    return f"waiting for {event.fields['idle_s']:.0f} s in {frame.get('file')}:{frame.get('line')}"


def _first_line(text: str) -> str:
    return (mask_by_pattern(text).splitlines() or [""])[0]
