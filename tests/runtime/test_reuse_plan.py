"""Rules of a plan that the forty cases do not reach."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris_inspect.model.errors import NothingToResume
from osiris_inspect.model.manifest import Manifest, Step
from osiris_inspect.runtime.pipeline.compiler import Compiled
from osiris_inspect.runtime.pipeline.component import Component
from osiris_inspect.runtime.replay.earlier.earlier_run import PastRun, PastStep, read_earlier_run
from osiris_inspect.runtime.replay.resume import check_unfinished
from osiris_inspect.runtime.replay.reuse_plan import CurrentPipeline, PlanOptions, plan_steps
from tests.runtime.resuming import plan, texts
from tests.runtime.runs import make_run, order

SHARED = """\
oml_version: "0.1.0"
name: shared
steps:
  - {id: ext, component: filesystem.csv_extractor, config: {path: movies.csv}}
  - {id: bad, component: duckdb.processor, needs: [ext], config: {query: SELECT COLUMN FROM df}}
  - {id: write, component: filesystem.csv_writer, needs: [bad], config: {path: between.csv}}
  - {id: read, component: filesystem.csv_extractor, config: {path: between.csv}}
  - {id: last, component: duckdb.processor, needs: [read], config: {query: SELECT * FROM df}}
"""


CODE = {"module": "m", "file_sha256": "sha256:1"}


def _component(name: str, *, produces_frame: bool) -> Component:
    return Component(name, "For tests.", "m:D", ("transform",), (), "many", produces_frame)


def test_reader_of_rewritten_file_runs_again(tmp_path: Path) -> None:
    (tmp_path / "between.csv").write_text("id\n1\n")
    path = make_run(tmp_path, text=SHARED.replace("COLUMN", "nope"), env={"E2B_FORCE_SPILL": "1"}).path
    entries = plan(path, order(tmp_path, text=SHARED.replace("COLUMN", "id")))
    assert texts(entries) == {
        "ext": "reuse",
        "bad": "run: did not succeed",
        "write": "run: did not succeed",
        "read": "run: it waits for write, which runs again: it writes between.csv, which this step reads",
        "last": "run: it needs read, which runs again",
    }


def test_step_after_forced_one_runs(tmp_path: Path) -> None:
    path = make_run(tmp_path, env={"E2B_FORCE_SPILL": "1"}).path
    with pytest.raises(NothingToResume):
        check_unfinished(read_earlier_run(path))
    entries = plan(path, order(tmp_path), PlanOptions({"compute-stats": "--from compute-stats"}))
    assert texts(entries) == {
        "extract-movies": "reuse",
        "compute-stats": "run: --from compute-stats",
        "write-stats": "done: wrote 3 rows",
    }


@st.composite
def _runs(draw: st.DrawFn) -> tuple[PastRun, CurrentPipeline]:
    """A pipeline, how each step of it ended in an earlier run, and what is on disk or has changed since."""
    steps, past, configs, kept = [], {}, {}, set()
    count = draw(st.integers(1, 7))
    for number in range(count):
        frames = [step.id for step in steps if step.driver != "writer"]
        needs = draw(st.lists(st.sampled_from(frames), unique=True, max_size=3)) if frames else []
        after = draw(st.lists(st.sampled_from([step.id for step in steps]), max_size=1)) if steps else []
        is_writer = draw(st.booleans())
        step = Step(f"s{number}", "writer" if is_writer else "frame", "", tuple(needs), after=tuple(after))
        steps.append(step)
        is_ready = all(past[name].is_done for name in step.upstream)
        status = draw(st.sampled_from(["succeeded", "failed", "running"])) if is_ready else "skipped"
        past[step.id] = PastStep(step.id, "run_1", status, step.driver, code=CODE)
        past[step.id].fingerprint = (
            f"fingerprint of {step.id}" if status == "succeeded" and not is_writer else None
        )
        past[step.id].may_have_written = status == "running"
        configs[step.id] = {"key": draw(st.sampled_from([1, 1, 1, 2]))}
        if draw(st.booleans()):
            kept.add(step.id)
    manifest = Manifest("p", tuple(steps))
    earlier = PastRun(Path("run_1"), manifest, {}, {}, past, "failed")
    vars(earlier)["configs"] = {step.id: {"key": 1} for step in steps}
    current = CurrentPipeline(
        Compiled(manifest, configs, "p.yaml"),
        configs,
        {
            "writer": _component("writer", produces_frame=False),
            "frame": _component("frame", produces_frame=True),
        },
        {},
        lambda _driver: CODE,
        lambda step, _fingerprint: Path("run_1") if step in kept else None,
    )
    return earlier, current


@given(_runs())
def test_plan_keeps_its_promises(made: tuple[PastRun, CurrentPipeline]) -> None:
    earlier, current = made
    entries = {entry.step: entry for entry in plan_steps(earlier, current, PlanOptions())}
    invalid = set()
    for step in current.compiled.manifest.steps:
        entry, past = entries[step.id], earlier.steps[step.id]
        is_writer = step.driver == "writer"
        if is_writer and past.is_done:
            assert entry.action == "done"
        elif is_writer and past.may_have_written:
            assert entry.action == "unknown"
        elif not past.is_done:
            assert (entry.action, entry.reason) == ("run", "did not succeed")
        has_changed = not past.is_done or current.configs[step.id] != {"key": 1}
        runs_again = entry.action == "run" and entry.expected is None
        if not is_writer:
            assert runs_again == (has_changed or not invalid.isdisjoint(step.upstream))
        if runs_again:
            invalid.add(step.id)
        if entry.action == "run":
            assert all(entries[name].action in ("run", "reuse") for name in step.needs)
        if entry.action == "reuse":
            assert entry.reused is not None
            assert entry.reused.fingerprint == past.fingerprint
        if entry.expected is not None:  # it runs only because its frame is taken
            assert entry.expected == past.fingerprint
            assert any(
                step.id in other.needs and entries[other.id].action == "run"
                for other in current.compiled.manifest.steps
            )
