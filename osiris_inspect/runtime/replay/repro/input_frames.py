"""Input frames of a step: read from an earlier run, and written as results that a replay takes instead."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from osiris_inspect.model.errors import InputsGone
from osiris_inspect.model.manifest import InputRef, Step, bind_inputs
from osiris_inspect.model.run_layout import FRAME_KEY
from osiris_inspect.runtime.frames.frame_part import Frame
from osiris_inspect.runtime.frames.spill import spill_file as spill
from osiris_inspect.runtime.frames.spill.spill_file import SpillFile
from osiris_inspect.runtime.frames.store import FrameStore, SpillPolicy
from osiris_inspect.runtime.planning.reused_step import ReusedStep


def read_refs(step: Step) -> dict[str, InputRef]:
    """Return the results that the inputs of a step are, by input; of several that are one result, the first."""
    refs: dict[str, InputRef] = {}
    for name, ref in bind_inputs(step).items():
        if ref not in refs.values():
            refs[name] = ref
    return refs


def read_inputs(step: Step, reused: Mapping[str, ReusedStep]) -> dict[str, Frame]:
    """Return the input frames of a step by input.

    Raises:
        SpillCorrupt: a frame is damaged.
        InputsGone: a frame is not on disk.
    """
    return {name: _read(reused[ref.from_step].run_dir, ref) for name, ref in read_refs(step).items()}


def write_inputs(
    frames: Mapping[str, Frame], refs: Mapping[str, InputRef], folder: Path, run: str
) -> dict[str, ReusedStep]:
    """Write frames into a folder as a run does, and return the results by step; ``run`` is the run they are from.

    Raises:
        SpillFailed: the disk refused.
    """
    by_step: dict[str, dict[str, Frame]] = {}
    for name, ref in refs.items():
        by_step.setdefault(ref.from_step, {})[ref.key] = frames[name]
    with FrameStore(folder, SpillPolicy(force_spill=True)) as store:
        for step, result in by_step.items():
            store.put(step, result)
            for key in result:
                store.capture(InputRef(step, key), "input of a repro bundle")
    return {step: _written(folder, step, tuple(result), run) for step, result in by_step.items()}


def columns_of(frame: Frame) -> Iterator[tuple[str, pd.Series]]:
    """Yield the columns of a frame, and the levels of its index unless they only number the rows."""
    if isinstance(frame, pa.Table):
        for name in frame.column_names:
            yield name, frame[name].to_pandas()
        return
    if not isinstance(frame.index, pd.RangeIndex):
        for position in range(frame.index.nlevels):
            level = frame.index.get_level_values(position)
            yield "index", level.to_series()
    for position, label in enumerate(frame.columns):
        yield str(label), frame.iloc[:, position]


def unique_values(column: pd.Series) -> Iterator[Any]:
    """Yield the distinct values of a column without missing ones; of a categorical one, all categories."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        yield from column.cat.categories
        return
    present = column.dropna()
    try:
        yield from present.drop_duplicates()
    except TypeError:  # lists and mappings
        yield from present


def _read(folder: Path, ref: InputRef) -> Frame:
    return spill.read_original(_find(folder, ref))


def _find(folder: Path, ref: InputRef) -> SpillFile:
    spilled = spill.find_spill(folder, ref.from_step, ref.key)
    if spilled is None:
        raise InputsGone(
            f"the frame {ref.key!r} of step {ref.from_step!r} is not in {folder}",
            fix="run the pipeline again",
        )
    return spilled


def _written(folder: Path, step: str, keys: tuple[str, ...], run: str) -> ReusedStep:
    spilled = {key: _find(folder, InputRef(step, key)) for key in keys}
    fingerprints = {key: str(each.document["fingerprint"]) for key, each in spilled.items()}
    own = spilled.get(FRAME_KEY)
    others = {key: text for key, text in fingerprints.items() if key != FRAME_KEY}
    rows = own.rows if own is not None else None
    return ReusedStep(run, folder, fingerprints.get(FRAME_KEY), rows, other_frames=others)
