"""The failed step of a run on other inputs: the same failure in a worker that stays alive, and no run that is lost."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from osiris_inspect.model.errors import InputsGone, SettingsError
from osiris_inspect.runtime.replay.replay import ReplayHost, ReplayOptions
from osiris_inspect.runtime.replay.shrink import failure_test as module
from osiris_inspect.runtime.replay.shrink.failure_test import FailureTest, failure_test
from osiris_inspect.runtime.replay.shrink.masking.mask import mask
from osiris_inspect.runtime.replay.shrink.shrink import ShrinkOptions, ShrinkResult, shrink
from tests.runtime.runs import ENVIRONMENT, make_run
from tests.runtime.shrunk import SHRUNK, picky, query
from tests.runtime.test_replay import tree

pytestmark = pytest.mark.sampled(3)


@contextmanager
def in_test(path: Path, step: str = "broken", **more: Any) -> Iterator[FailureTest]:
    """The test of a failed step, after which the earlier run and its folder are as before."""
    before = tree(path.parent)
    components = more.pop("components", SHRUNK)
    with failure_test(
        path, step, ReplayHost(ENVIRONMENT, components=components), ReplayOptions(**more)
    ) as test:
        yield test
    assert tree(path.parent) == before


def shrunk(test: FailureTest, **more: Any) -> ShrinkResult:
    options = ShrinkOptions(
        **{
            "error": test.error,
            "config": test.config,
            "depends_on_size": test.depends_on_size,
            "seconds": 600,
            **more,
        }
    )
    return shrink(test.frames, test, options)


CAST = "SELECT id, CAST(v AS INTEGER) AS n FROM df"


@pytest.mark.sampled(3)
@pytest.mark.parametrize("storage", ["memory", "spill"])
@pytest.mark.parametrize("on", ["local", "none", "landlock", "bwrap"])
def test_failure_of_a_query_is_shrunk(tmp_path: Path, on: str, storage: str) -> None:
    env = {"E2B_FORCE_SPILL": "1"} if storage == "spill" else None
    options = {"isolation": on} if on in ("landlock", "bwrap") else {}
    run = make_run(tmp_path, on, text=query(CAST), env=env, components=SHRUNK, options=options)
    with in_test(run.path) as test:
        result = shrunk(test)
        isolation = test._transport.isolation_level
    assert isolation == {"local": "none"}.get(on, on)
    frame = result.frames["df"]
    assert isinstance(frame, pd.DataFrame)
    assert frame.to_dict("list") == {"id": [0], "v": [""]}
    assert frame.dtypes.astype(str).to_dict() == {"id": "int64", "v": "str"}
    assert (result.stopped_by, result.rows["df"], result.columns["df"]) == ("", (2000, 1), (13, 2))
    assert result.runs <= 30


def test_failure_of_another_column_is_another_one(tmp_path: Path) -> None:
    run = make_run(tmp_path, text=query("SELECT id, missing FROM df GROUP BY v"), components=SHRUNK)
    with in_test(run.path) as test:
        result = shrunk(test)
        assert 'Referenced column "missing" not found' in test.error
        assert not test.fails({"df": pd.DataFrame({"id": [1]})})  # Referenced column "v" not found
    assert list(result.frames["df"].columns) == ["id", "v"]
    assert (result.stopped_by, result.rows["df"].after) == ("", 0)


def test_driver_in_python_is_shrunk(tmp_path: Path) -> None:
    run = make_run(tmp_path, text=picky("nothing"), components=SHRUNK)
    with in_test(run.path) as test:
        result = shrunk(test, error="")
    assert result.frames["df"].to_dict("list") == {"v": ["oops"]}
    assert result.stopped_by == ""


@pytest.mark.parametrize(
    ("sql", "more", "rows", "columns"),
    [
        ("SELECT CAST(NULL AS INTEGER) AS n FROM df", ", checks: {not_null: [n]}", 2, 1),
        ("SELECT nope FROM df", "", 0, 1),
    ],
)
def test_failed_check_and_missing_column_are_shrunk(
    tmp_path: Path, sql: str, more: str, rows: int, columns: int
) -> None:
    run = make_run(tmp_path, text=query(sql, more=more), components=SHRUNK)
    with in_test(run.path) as test:
        result = shrunk(test)
    assert (result.frames["df"].shape, result.stopped_by) == ((rows, columns), "")


def test_result_without_frame_is_shrunk(tmp_path: Path) -> None:
    run = make_run(tmp_path, text=picky("lost"), components=SHRUNK)
    with in_test(run.path) as test:
        result = shrunk(test)
    assert (result.frames["df"].shape, result.stopped_by) == ((0, 1), "")


def test_masked_inputs_fail_in_the_same_way(tmp_path: Path) -> None:
    run = make_run(tmp_path, text=query(CAST, rows=20), components=SHRUNK)
    with in_test(run.path) as test:
        result = mask(test.frames, test.fails)
        assert test.fails(result.frames)
        original = test.frames["df"]
    masked = result.frames["df"]
    assert isinstance(masked, pd.DataFrame)
    assert set(result.masks.values()) == {"nothing"}
    assert masked.dtypes.equals(original.dtypes)
    assert masked["v"].tolist() == [""] * 20
    assert result.is_complete


def test_hang_ends_one_test_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MIN_LIMIT_S", 0.3)
    run = make_run(tmp_path, text=picky("hang", rows=1000), components=SHRUNK)
    with in_test(run.path) as test:
        result = shrunk(test, what=("rows",), error="")
        workers = len(test._workers)
    assert result.frames["df"]["v"].tolist() == ["oops"]
    assert result.stopped_by == ""
    assert workers > 1


def test_end_of_the_worker_ends_one_test_only(tmp_path: Path) -> None:
    run = make_run(tmp_path, text=picky("end", rows=4), components=SHRUNK)
    with in_test(run.path) as test:
        result = shrunk(test, what=("rows",), error="")
        workers = len(test._workers)
    assert result.frames["df"]["v"].tolist() == ["oops"]
    assert workers in range(2, result.runs)


def test_failure_by_chance_is_not_shrunk(tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    run = make_run(tmp_path, text=picky("chance", counter=str(counter)), components=SHRUNK)
    with in_test(run.path) as test:
        counter.write_text("0")
        result = shrunk(test)
    assert (result.stopped_by, result.runs, result.rows["df"].after) == ("by chance", 2, 2000)


def test_failure_of_memory_is_not_shrunk(tmp_path: Path) -> None:
    run = make_run(tmp_path, text=picky("memory"), components=SHRUNK)
    with in_test(run.path) as test:
        assert test.depends_on_size
        assert (shrunk(test).stopped_by, len(test._workers)) == ("size", 0)
        assert shrunk(test, depends_on_size=False).stopped_by == "size"


def test_failure_of_time_is_not_shrunk(tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    counter.touch()
    text = picky("slow", counter=str(counter))
    run = make_run(tmp_path, "none", text=text, env={"E2B_STEP_TIMEOUT": "0.5"}, components=SHRUNK)
    with in_test(run.path) as test:
        assert test.depends_on_size


def test_interrupt_stops_the_running_test(tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    run = make_run(tmp_path, text=picky("slow", counter=str(counter)), components=SHRUNK)
    with in_test(run.path) as test:
        assert test.fails(test.frames)
        counter.touch()
        timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        start = monotonic()
        with pytest.raises(KeyboardInterrupt):
            test.fails(test.frames)
        assert monotonic() - start < 20
        counter.unlink()
        assert test.fails(test.frames)  # in a new worker


def test_other_frames_keep_their_types(tmp_path: Path) -> None:
    run = make_run(
        tmp_path, text=query("SELECT sum(id) + CAST(v[1] AS INTEGER) FROM df GROUP BY v"), components=SHRUNK
    )
    with in_test(run.path) as test:
        assert test.fails(test.frames)
        table = pa.table({"id": pa.array([1], pa.int8()), "v": pa.array(["x"])})
        assert test.fails({"df": table})
        assert test.fails({"df": table.to_pandas()})
        assert not test.fails({"df": pa.table({"id": [1], "v": ["7"]})})
        assert not test.fails({"df": pa.table({"id": ["a"], "v": ["x"]})})  # another failure
        assert sorted(path.name for path in test._root.glob("artifacts/source/*")) == [
            "cleaned_config.json",
            "output.parquet",
            "schema.json",
        ]


@pytest.mark.parametrize(
    ("step", "error", "message"),
    [
        ("source", SettingsError, "step 'source' reads from .*; add --allow-writes to run it again"),
        ("fine", SettingsError, "step 'fine' of run_.* did not fail; name a failed step"),
        ("nope", SettingsError, "has no step 'nope'"),
    ],
)
def test_step_that_cannot_be_tested_is_refused(
    tmp_path: Path, step: str, error: type[Exception], message: str
) -> None:
    text = (
        picky("nothing")
        + "  - {id: fine, component: duckdb.processor, needs: [source], config: {query: SELECT 1}}\n"
    )
    run = make_run(tmp_path, text=text, components=SHRUNK)
    with pytest.raises(error, match=message), in_test(run.path, step):
        pass


def test_input_that_is_not_on_disk_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path, text=picky("nothing"), env={"E2B_CAPTURE": "never"}, components=SHRUNK)
    with pytest.raises(InputsGone, match="--recompute"), in_test(run.path):
        pass
