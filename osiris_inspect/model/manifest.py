"""A compiled pipeline: its steps in the order they run, and which frame each of them gets."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

_NOT_IN_A_TABLE_NAME = re.compile(r"\W")


class InputRef(NamedTuple):
    """Where an input comes from: the result ``key`` of step ``from_step``."""

    from_step: str
    key: str = "df"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a manifest.

    Attributes:
        id: its name, also a file name.
        driver: what runs it, e.g. ``duckdb.processor``.
        cfg_path: its configuration, relative to the manifest.
        needs: the steps that must be done before it, in the order they were written.
        inputs: what was named explicitly in the pipeline; empty where ``needs`` decides.
        component: what the pipeline asked for; the same as ``driver`` unless a component names another one.
        line: its line in the pipeline file, from 1; 0 where it is not known.
    """

    id: str
    driver: str
    cfg_path: str
    needs: tuple[str, ...] = ()
    inputs: Mapping[str, InputRef] = field(default_factory=dict)
    component: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """A compiled pipeline. ``extra`` keeps what it says beyond its steps."""

    name: str
    steps: tuple[Step, ...]
    other_keys: Mapping[str, Any] = field(default_factory=dict)

    def downstream(self, step: str) -> tuple[str, ...]:
        """Every step that needs ``step``, directly or not, in the order they run."""
        reached = {step}
        for other in self.steps * len(self.steps):  # a foreign manifest may be out of order
            if reached.intersection(other.needs):
                reached.add(other.id)
        return tuple(other.id for other in self.steps if other.id in reached and other.id != step)


def input_name(step: str) -> str:
    """The name under which the frame of ``step`` is known where there are several: ``df_<step>``, a word in SQL."""
    return "df_" + _NOT_IN_A_TABLE_NAME.sub("_", step)


def bind_inputs(step: Step) -> dict[str, InputRef]:
    """The named inputs of a step. The only place where ``needs`` becomes inputs.

    One need is ``df``; several are one input each, ``df_<step>``; what the pipeline names explicitly is taken as it is.

    Raises:
        ValueError: two needs would get one name.
    """
    if step.inputs:
        return dict(step.inputs)
    if len(step.needs) == 1:
        return {"df": InputRef(step.needs[0])}
    bound: dict[str, InputRef] = {}
    for need in step.needs:
        name = input_name(need)
        if name in bound:
            raise ValueError(
                f"step {step.id!r}: {bound[name].from_step!r} and {need!r} would both be input {name!r}"
            )
        bound[name] = InputRef(need)
    return bound


def parse(document: Any) -> Manifest:
    """The manifest in a parsed YAML document, ours or the original's of any version.

    What is missing is left empty; a step without an id is named by its place, so that no step is lost.
    """
    document = document if isinstance(document, Mapping) else {}
    steps = document.get("steps")
    pipeline = document.get("pipeline")
    pipeline = pipeline if isinstance(pipeline, Mapping) else {}
    name = document.get("name") or pipeline.get("id") or ""
    return Manifest(
        name=str(name),
        steps=tuple(_step(item, place) for place, item in enumerate(_mappings(steps), start=1)),
        other_keys={key: value for key, value in document.items() if key != "steps"},
    )


def _step(item: Mapping[str, Any], place: int) -> Step:
    step_id = str(item.get("id") or f"step {place}")
    driver = str(item.get("driver") or item.get("component") or "")
    needs = item.get("needs")
    line = item.get("line")
    return Step(
        id=step_id,
        driver=driver,
        cfg_path=str(item.get("cfg_path") or ""),
        needs=tuple(str(need) for need in needs) if isinstance(needs, list) else (),
        inputs=_inputs(item.get("inputs")),
        component=str(item.get("component") or driver),
        line=line if isinstance(line, int) else 0,
    )


def _inputs(value: Any) -> dict[str, InputRef]:
    if not isinstance(value, Mapping):
        return {}
    return {
        str(name): InputRef(str(ref["from_step"]), str(ref.get("key") or "df"))
        for name, ref in value.items()
        if isinstance(ref, Mapping) and ref.get("from_step")
    }


def _mappings(value: Any) -> Iterable[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def to_dict(manifest: Manifest) -> dict[str, Any]:
    """What is written to ``manifest.yaml``; ``parse`` gives the same manifest back."""
    return {
        "name": manifest.name,
        **manifest.other_keys,
        "steps": [_step_to_dict(step) for step in manifest.steps],
    }


def _step_to_dict(step: Step) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": step.id,
        "component": step.component or step.driver,
        "driver": step.driver,
        "cfg_path": step.cfg_path,
        "needs": list(step.needs),
    }
    if step.inputs:
        document["inputs"] = {
            name: {"from_step": ref.from_step, "key": ref.key} for name, ref in step.inputs.items()
        }
    if step.line:
        document["line"] = step.line
    return document
