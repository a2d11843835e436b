from osiris_inspect.tui.panes.timeline import Timeline
from osiris_inspect.tui.widgets.list_rows import StaticRow
from tests.inspector.export.accept import told
from tests.samples import runs


def test_phases_of_the_run_are_a_row_above_the_steps() -> None:
    (path,) = (run for run in runs() if run.parent.name == "original_nonetype")
    rows = Timeline.build_rows(Timeline(), told(path))(80).rows
    phases, first, *_ = rows
    assert isinstance(phases, StaticRow)
    assert phases.text == "phases of the run: sandbox 9.1 s (81%), worker 32 ms (0%)"
    assert phases.content.plain == f"   {'phases':<20} {'░' * 38}{' ' * 8} 9.1 s"
    assert first.text.startswith("extract-movies succeeded")
