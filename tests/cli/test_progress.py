"""What a person sees on stderr while a run goes on."""

import io

import pytest

from osiris_inspect.cli.pipeline.execution import progress
from osiris_inspect.cli.pipeline.execution.progress import Progress
from osiris_inspect.model.event import Event


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _event(name: str, step: str | None = None, **fields: object) -> Event:
    return Event(name=name, ts=1.0, step=step, fields=fields, session="run_1", side="worker", seq=0)


RUN = (
    _event("run_start", pipeline="movies", mode="sandbox"),
    _event("cfg_opened", "extract"),
    _event("heartbeat", "extract", phase="driving", rows=12000),
    _event("output_stored", "extract", storage="spill", rows=14000),
    _event("step_complete", "extract", rows_processed=14000, duration_ms=1500.0),
    _event("step_failed", "compute", error="first line\nsecond line"),
    _event("step_skipped", "write", because="compute"),
)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            _event("worker_silent", "a", silent_s=15.2, state="stopped"),
            "no heartbeat for 15 s, state: stopped",
        ),
        (
            _event("step_waiting", "a", idle_s=300.0, frame={"file": "d.py", "line": 7}),
            "waiting for 300 s in d.py:7",
        ),
    ],
    ids=lambda value: value.name if isinstance(value, Event) else None,
)
def test_hang_of_step_is_printed(event: Event, line: str) -> None:
    err = io.StringIO()
    with Progress(err) as seen:
        seen.on_event(event)
    assert err.getvalue() == f"  ! a  {line}\n"


def test_without_a_terminal_there_are_plain_lines() -> None:
    err = io.StringIO()
    with Progress(err) as seen:
        for event in RUN:
            seen.on_event(event)
    assert err.getvalue().splitlines() == [
        "movies (sandbox) run_1",
        "  … extract  driving  12,000 rows",
        "  ✓ extract  14,000 rows in spill  1.50 s",
        "  ✗ compute  first line",
        "  ⊘ write  skipped because of compute",
    ]


def test_a_terminal_shows_the_step_at_work_and_leaves_only_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_REDRAW_INTERVAL_S", 0.005)
    err = _Terminal()
    with Progress(err) as seen:
        for event in RUN[:3]:
            seen.on_event(event)
        while "extract  driving  12,000 rows  0 s" not in err.getvalue():
            pass
        seen.on_event(RUN[4])
    assert err.getvalue().endswith("\r\x1b[2K")
    last = [part.split("\x1b[2K")[-1] for part in err.getvalue().split("\n")]
    assert last == ["movies (sandbox) run_1", "  ✓ extract  14,000 rows  1.50 s", ""]


def test_terminal_shows_rate_position_and_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(progress, "_REDRAW_INTERVAL_S", 0.005)
    monkeypatch.setattr(progress, "monotonic", lambda: clock[0])
    err = _Terminal()
    with Progress(err) as seen:
        seen.on_event(_event("plan", steps=[{}, {}, {}, {}]))
        for step, storage in (("a", "memory"), ("b", "spill")):
            seen.on_event(_event("output_stored", step, storage=storage))
            seen.on_event(_event("step_complete", step, rows_processed=1, duration_ms=1.0))
        seen.on_event(_event("cfg_opened", "c"))
        clock[0] += 4
        seen.on_event(_event("heartbeat", "c", phase="driving", rows=12000))
        expected = (
            "… c  driving  12,000 rows  3,000 rows/s  4 s  step 3 of 4  frames: 1 in memory, 1 in spill"
        )
        while expected not in err.getvalue():
            pass
    assert "step 4" not in err.getvalue()


class _Broken(_Terminal):
    """A terminal that takes so many writes and then none, as a pipe without a reader does."""

    def __init__(self, left: int, error: Exception) -> None:
        super().__init__()
        self.left, self.error = left, error

    def write(self, text: str) -> int:
        if self.left == 0:
            raise self.error
        self.left -= 1
        return super().write(text)


@pytest.mark.parametrize("left", [0, 1, 3])
@pytest.mark.parametrize(
    "error",
    [BrokenPipeError(32, "Broken pipe"), OSError(28, "No space left on device"), ValueError("closed")],
)
def test_where_nobody_takes_its_lines_any_more_it_goes_quiet(left: int, error: Exception) -> None:
    err = _Broken(left, error)
    with Progress(err) as seen:
        for event in RUN:
            seen.on_event(event)
    assert err.left == 0


@pytest.mark.parametrize("err", [io.StringIO(), _Terminal()])
def test_quiet_says_nothing(err: io.StringIO) -> None:
    with Progress(err, quiet=True) as seen:
        for event in RUN:
            seen.on_event(event)
    assert err.getvalue() == ""


def test_a_worker_that_could_not_be_prepared_is_said() -> None:
    err = io.StringIO()
    with Progress(err) as seen:
        seen.on_event(_event("prepare_failed", error="missing modules: psycopg"))
    assert err.getvalue() == "  ✗ worker  missing modules: psycopg\n"


def test_secret_in_the_url_of_an_error_is_masked() -> None:
    err = io.StringIO()
    with Progress(err) as seen:
        seen.on_event(_event("step_failed", "extract", error="GET https://a.org/v1?key=hunter2&to=3 failed"))
    assert err.getvalue() == "  ✗ extract  GET https://a.org/v1?key=***&to=3 failed\n"
