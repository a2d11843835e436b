"""Manifest (compiled pipeline): the steps in execution order and their inputs."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class InputRef(NamedTuple):
    """Source of an input: the result ``key`` of step ``from_step``."""

    from_step: str
    key: str = "df"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a manifest.

    Attributes:
        id: the name, which is also a file name.
        driver: the name of the driver, e.g. ``duckdb.processor``.
        cfg_path: the path of the configuration, relative to the manifest.
        needs: the steps that must run before this one, in the order of the pipeline file.
        inputs: the inputs that the pipeline names explicitly; empty if they follow from ``needs``.
        component: the component in the pipeline file; differs from ``driver`` if the component names another driver.
        line: the line in the pipeline file, from 1; 0 if unknown.
        checks: the checks of the step's frame; empty if there are none.
        after: the steps that must run before this one although it takes no frame of theirs.
        tags: the names by which a run can select the step together with others.
        timeout_s: the time limit of the step in seconds; None if the setting of the run applies.
        memory_bytes: the limit of the memory of the step's own worker; None if it shares workers with other steps.
        machine: what its machine of a cluster must have, ``cpus`` and the ``name`` of a resource; empty for any machine.
        retry: the retries of the step, as written in the pipeline; empty if it runs once.
    """

    id: str
    driver: str
    cfg_path: str
    needs: tuple[str, ...] = ()
    inputs: Mapping[str, InputRef] = field(default_factory=dict)
    component: str = ""
    line: int = 0
    checks: Mapping[str, Any] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    timeout_s: float | None = None
    memory_bytes: int | None = None
    machine: Mapping[str, Any] = field(default_factory=dict)
    retry: Mapping[str, Any] = field(default_factory=dict)

    @property
    def upstream(self) -> tuple[str, ...]:
        """Steps that must succeed before this one: its needs, then those that it only runs after."""
        return (*self.needs, *self.after)


@dataclass(frozen=True, slots=True)
class Manifest:
    """Compiled pipeline. ``other_keys`` keeps the keys of the document other than ``steps``."""

    name: str
    steps: tuple[Step, ...]
    other_keys: Mapping[str, Any] = field(default_factory=dict)

    def downstream(self, step: str) -> tuple[str, ...]:
        """Return the steps that run only if ``step`` succeeds, in execution order."""
        reached = {step}
        for other in self.steps * len(self.steps):  # a foreign manifest may be out of order
            if reached.intersection(other.upstream):
                reached.add(other.id)
        return tuple(other.id for other in self.steps if other.id in reached and other.id != step)


def input_name(step: str) -> str:
    """Return the input name of a step's frame if there are several inputs: ``df_<step>``, an SQL identifier."""
    return "df_" + re.sub(r"\W", "_", step)


def bind_inputs(step: Step) -> dict[str, InputRef]:
    """Return the inputs of a step by name.

    Explicit inputs are returned unchanged. Otherwise a single need is named ``df``, several are named ``df_<step>``.

    Raises:
        ValueError: two needs would have the same name.
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
    """Return the manifest in a parsed YAML document, native or of any version of the original.

    Missing values stay empty; a step without an id is named after its position.
    """
    document = document if isinstance(document, Mapping) else {}
    steps, pipeline = document.get("steps"), document.get("pipeline")
    pipeline_id = pipeline.get("id") if isinstance(pipeline, Mapping) else None
    return Manifest(
        name=str(document.get("name") or pipeline_id or ""),
        steps=tuple(_step(item, position) for position, item in enumerate(_mappings(steps), start=1)),
        other_keys={key: value for key, value in document.items() if key != "steps"},
    )


def _step(item: Mapping[str, Any], position: int) -> Step:
    step_id = str(item.get("id") or f"step {position}")
    driver = str(item.get("driver") or item.get("component") or "")
    line, checks, timeout = item.get("line"), item.get("checks"), item.get("timeout")
    retry, memory, machine = item.get("retry"), item.get("memory"), item.get("machine")
    return Step(
        id=step_id,
        driver=driver,
        cfg_path=str(item.get("cfg_path") or ""),
        needs=_names(item.get("needs")),
        inputs=_inputs(item.get("inputs")),
        component=str(item.get("component") or driver),
        line=line if isinstance(line, int) else 0,
        checks=checks if isinstance(checks, Mapping) else {},
        after=_names(item.get("after")),
        tags=_names(item.get("tags")),
        timeout_s=float(timeout) if isinstance(timeout, int | float) and timeout > 0 else None,
        memory_bytes=memory if type(memory) is int and memory > 0 else None,
        machine=machine if isinstance(machine, Mapping) else {},
        retry=retry if isinstance(retry, Mapping) else {},
    )


def _names(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


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
    """Return the content of ``manifest.yaml``, which ``parse`` reads back."""
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
    for key, names in (("after", step.after), ("tags", step.tags)):
        if names:
            document[key] = list(names)
    if step.timeout_s is not None:
        document["timeout"] = step.timeout_s
    if step.memory_bytes is not None:
        document["memory"] = step.memory_bytes
    if step.machine:
        document["machine"] = dict(step.machine)
    if step.retry:
        document["retry"] = dict(step.retry)
    if step.checks:
        document["checks"] = dict(step.checks)
    if step.line:
        document["line"] = step.line
    return document
