"""A store against a plain dict, whatever is done to it in whatever order: equal, or a named error; never lost, never wrong."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from pandas.testing import assert_frame_equal

from osiris_inspect.model.errors import InputNotFound, SpillCorrupt, SpillFailed
from osiris_inspect.model.manifest import InputRef
from osiris_inspect.runtime.frames.store import FrameStore, SpillPolicy
from tests.runtime.failing_disk import FAULTS, FailingDisk

STEPS = st.sampled_from(["a", "b", "c", "d"])
POSITIONS = {"a": [1, 5], "b": [2], "c": [3, 4, 6], "d": []}
POLICIES = st.builds(
    SpillPolicy,
    force_spill=st.booleans(),
    threshold=st.sampled_from([0, 10, 10**9]),
    budget_bytes=st.sampled_from([None, 0, 500, 5000]),
    release_consumed=st.booleans(),
)


def frame_of(seed: int, rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    index = pd.Index(rng.integers(0, 9, rows), name="key") if seed % 2 else None
    columns = {"n": rng.integers(0, 9, rows), "s": rng.choice(["x", "yy", ""], rows), "f": rng.random(rows)}
    frame = pd.DataFrame(columns, index=index)
    frame["o"] = pd.Series([seed, "text", None, (1, seed)] * rows, dtype=object).iloc[:rows].to_numpy()
    return frame


class StoreAgainstDict(RuleBasedStateMachine):
    """``wanted`` holds every frame that was put; ``hurt`` the steps whose files were changed behind the store's back."""

    @initialize(policy=POLICIES)
    def begin(self, policy: SpillPolicy) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="osiris-store-"))
        self.disk, self.policy = FailingDisk(), policy
        self.wanted: dict[str, pd.DataFrame] = {}
        self.used: dict[str, list[int]] = {step: list(places) for step, places in POSITIONS.items()}
        self.hurt: set[str] = set()
        self.open()

    def open(self) -> None:
        self.told: list[tuple[str, dict[str, object]]] = []
        self.store = FrameStore(
            self.root,
            self.policy,
            lambda name, fields: self.told.append((name, fields)),
            next_uses=POSITIONS,
            disk=self.disk,
        )
        self.in_store: set[str] = set()

    @rule(step=STEPS, seed=st.integers(0, 9), rows=st.sampled_from([0, 1, 10, 11, 40]))
    def put(self, step: str, seed: int, rows: int) -> None:
        frame = frame_of(seed, rows)
        before = len(self.told)
        kept = self.store.put(step, {"df": frame.copy(deep=True)})
        self.wanted[step] = frame
        self.in_store.add(step)
        self.hurt.discard(step)
        self.used[step] = list(POSITIONS[step])
        if kept.storage == "memory" and (self.policy.force_spill or rows > self.policy.threshold):
            assert "spill_failed" in [name for name, _ in self.told[before:]]

    @rule(step=STEPS)
    def resolve(self, step: str) -> None:
        try:
            resolved = self.store.resolve("next", "df", InputRef(step))
            found = resolved.to_pandas()
        except (InputNotFound, SpillCorrupt):
            assert self.may_be_gone(step)
            return
        assert_frame_equal(found, self.wanted[step])
        assert resolved.rows == len(self.wanted[step])
        assert resolved.to_arrow().num_rows == len(self.wanted[step])
        found["n"] = -1  # a consumer writes; nobody else may see it

    def may_be_gone(self, step: str) -> bool:
        if step not in self.wanted or step in self.hurt:
            return True
        if step not in self.in_store:
            return not (self.root / f"artifacts/{step}/schema.json").exists()
        return self.policy.release_consumed and not self.used[step]

    @rule(step=STEPS, position=st.integers(1, 6))
    def consume(self, step: str, position: int) -> None:
        self.store.mark_consumed(step, position)
        if step in self.in_store and position in self.used[step]:
            self.used[step].remove(position)

    @rule(step=STEPS)
    def capture(self, step: str) -> None:
        try:
            self.store.resolve("failed", "df", InputRef(step))
        except InputNotFound:
            assert self.may_be_gone(step)
            return
        try:
            captured = self.store.capture(InputRef(step), "input of failed step 'failed'")
        except SpillFailed:
            assert self.told[-1][0] == "spill_failed"
            return
        assert captured is not None
        assert captured.parquet.exists()

    @rule(fault=st.sampled_from(FAULTS))
    def break_the_disk(self, fault: str) -> None:
        self.disk.fault = fault  # type: ignore[assignment]  # one of FAULTS

    @rule()
    def mend_the_disk(self) -> None:
        self.disk.fault = "none"

    @precondition(lambda self: any(self.root.glob("artifacts/*/*")))
    @rule(data=st.data())
    def damage(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(sorted(self.root.glob("artifacts/*/*"))))
        content = path.read_bytes()
        how = data.draw(st.sampled_from(["flip", "cut", "remove", "empty"]))
        if how == "remove":
            path.unlink()
        elif how == "flip" and content:
            place = data.draw(st.integers(0, len(content) - 1))
            path.write_bytes(content[:place] + bytes([content[place] ^ 0x40]) + content[place + 1 :])
        else:
            path.write_bytes(content[: len(content) // 2] if how == "cut" else b"")
        self.hurt.add(path.parent.name)

    @rule()
    def start_again(self) -> None:
        """The worker ends and another one begins in the same run directory: what is on disk is still there."""
        self.store.close()
        self.open()
        self.used = {step: list(places) for step, places in POSITIONS.items()}

    @invariant()
    def nothing_half_written_is_left(self) -> None:
        assert not list(self.root.glob("artifacts/*/*.tmp"))

    @invariant()
    def what_is_held_is_somewhere(self) -> None:
        for step in self.store.held_steps():
            assert self.store.location(step) in ("memory", "spill")
        assert self.store.total_size().memory_bytes >= 0

    @invariant()
    def the_budget_holds_while_the_disk_does(self) -> None:
        if self.policy.budget_bytes is not None and not any(name == "spill_failed" for name, _ in self.told):
            assert self.store.total_size().memory_bytes <= self.policy.budget_bytes

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.root)


StoreAgainstDict.TestCase.settings = settings(
    max_examples=8, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
test_a_store_is_a_dict_that_uses_the_disk = StoreAgainstDict.TestCase
