"""Selection of a part of a pipeline by selectors in the syntax of dbt.

A selector is a step id, a glob of step ids or ``tag:NAME``. ``+x`` adds the steps before ``x``, ``x+`` those after it,
and ``2+x`` or ``x+1`` only those that are that many steps away.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, Final

from osiris_inspect.base.near_names import did_you_mean
from osiris_inspect.model.errors import SettingsError
from osiris_inspect.model.manifest import Manifest, Step
from osiris_inspect.runtime.pipeline.compiler import Compiled

_SELECTOR: Final = re.compile(
    r"(?:(?P<before>\d{0,6})(?P<plus>\+))?(?P<name>[^+]{1,300})(?:(?P<end>\+)(?P<after>\d{0,6}))?"
)
_GLOB: Final = re.compile(r"[*?\[]")
_TAG_PREFIX: Final = "tag:"


@dataclass(frozen=True, slots=True)
class Selectors:
    """Selectors of a run, each a text of one or more selectors separated by commas.

    Attributes:
        only: the steps to run; all if empty.
        exclude: steps that are not selected.
        start: only these steps and those after them.
        end: only these steps and those before them.
    """

    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    end: tuple[str, ...] = ()

    @property
    def by_option(self) -> dict[str, tuple[str, ...]]:
        """Selectors by the option of the command line that gives them, without options that are not used."""
        options = {"--only": self.only, "--exclude": self.exclude, "--from": self.start, "--to": self.end}
        return {option: texts for option, texts in options.items() if texts}


@dataclass(frozen=True, slots=True)
class Selection:
    """Steps of a pipeline that run and that do not, each with the reason.

    Attributes:
        running: reasons by the id of a step that runs, in execution order; empty texts if all steps run.
        left_out: reasons by the id of a step that does not run, in execution order.
        producers: the steps that run only because others take their frames.
        reused: the steps whose frames are taken over from an earlier run, each with the fingerprint.
        excluded: the producers that must not run, each with its selector.
    """

    running: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    producers: frozenset[str] = frozenset()
    reused: Mapping[str, str] = field(default_factory=dict)
    excluded: Mapping[str, str] = field(default_factory=dict)


def select_steps(manifest: Manifest, selectors: Selectors, *, has_frames: bool = False) -> Selection:
    """Return the steps that run: the selected ones, and those that produce the frames they take.

    If the run ``has_frames`` of an earlier run, a step may be excluded whose frame is needed.

    Raises:
        SettingsError: a selector is invalid or matches no step, or no step is left.
    """
    graph = _StepGraph(manifest)
    matches = {
        option: {text: graph.matching(text, option) for text in _split(texts, option)}
        for option, texts in selectors.by_option.items()
    }
    ranges = {"--from": graph.with_later, "--to": graph.with_earlier}
    selected = {step.id: "" for step in manifest.steps}
    left_out: dict[str, str] = {}
    for option in ("--only", "--from", "--to"):
        if option not in matches:
            continue
        widen = ranges.get(option, _same)
        allowed = {
            step: f"{option} {text}"
            for text, found in reversed(matches[option].items())
            for step in widen(found)
        }
        left_out |= {
            step: f"not in {option} {','.join(matches[option])}" for step in selected if step not in allowed
        }
        selected = {
            step: f"{reason}, {allowed[step]}" if reason else allowed[step]
            for step, reason in selected.items()
            if step in allowed
        }
    excluded = {
        step: f"--exclude {text}" for text, found in matches.get("--exclude", {}).items() for step in found
    }
    left_out |= excluded
    selected = {step: reason for step, reason in selected.items() if step not in excluded}
    if not selected:
        options = " ".join(f"{option} {','.join(texts)}" for option, texts in selectors.by_option.items())
        raise SettingsError(f"{options} selects no step; the steps are {_listed(graph.ids)}")
    needed = graph.producers(selected)
    for step, reason in needed.items():
        if step in excluded and not has_frames:
            raise SettingsError(
                f"{excluded[step]} leaves out step {step!r}, but {reason.removesuffix(' it')} its frame; exclude {step}+"
            )
    running = {**needed, **selected}
    order = [step.id for step in manifest.steps]
    return Selection(
        {step: running[step] for step in order if step in running},
        {step: left_out[step] for step in order if step not in running},
        frozenset(needed),
        excluded={step: reason for step, reason in excluded.items() if step in needed},
    )


def restrict(compiled: Compiled, selectors: Selectors, selection: Selection) -> Compiled:
    """Return the compiled pipeline with the steps of a selection alone; the manifest records what was left out."""
    if not selection.left_out:
        return compiled
    running = {**selection.running, **selection.reused}
    steps = tuple(
        replace(step, after=tuple(name for name in step.after if name in running))
        for step in compiled.manifest.steps
        if step.id in running
    )
    options: dict[str, Any] = {option[2:]: list(texts) for option, texts in selectors.by_option.items()}
    other_keys = {
        **compiled.manifest.other_keys,
        "selection": {**options, "left_out": list(selection.left_out)},
    }
    return replace(
        compiled,
        manifest=replace(compiled.manifest, steps=steps, other_keys=other_keys),
        configs={step: config for step, config in compiled.configs.items() if step in running},
        connection_positions={
            step: position for step, position in compiled.connection_positions.items() if step in running
        },
    )


class _StepGraph:
    """Steps of a manifest and their neighbors."""

    def __init__(self, manifest: Manifest) -> None:
        self._steps: Mapping[str, Step] = {step.id: step for step in manifest.steps}
        self._earlier = {step.id: step.upstream for step in manifest.steps}
        self._later: dict[str, list[str]] = {step.id: [] for step in manifest.steps}
        for step in manifest.steps:
            for name in step.upstream:
                self._later[name].append(step.id)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self._steps)

    def matching(self, text: str, option: str) -> frozenset[str]:
        """Return the steps that a selector names, with those before and after them that it adds."""
        match = _SELECTOR.fullmatch(text)
        if match is None:
            raise SettingsError(
                f"invalid {option}: {text!r}; write a step id, +id, id+, 2+id, tag:name or a glob such as 'load-*'"
            )
        steps = self._named(match["name"], option)
        before = self._within(steps, self._earlier, match["before"]) if match["plus"] else frozenset()
        after = self._within(steps, self._later, match["after"]) if match["end"] else frozenset()
        return steps | before | after

    def with_earlier(self, steps: Iterable[str]) -> frozenset[str]:
        """Return the steps and all before them."""
        return self._within(steps, self._earlier)

    def with_later(self, steps: Iterable[str]) -> frozenset[str]:
        """Return the steps and all after them."""
        return self._within(steps, self._later)

    def producers(self, selected: Mapping[str, str]) -> dict[str, str]:
        """Return the steps that produce frames for the selected ones, directly or not, each with its first consumer."""
        reasons: dict[str, str] = {}
        waiting = list(selected)
        while waiting:
            step = waiting.pop()
            for need in self._steps[step].needs:
                if need not in selected and need not in reasons:
                    reasons[need] = f"{step} needs it"
                    waiting.append(need)
        return reasons

    def _named(self, name: str, option: str) -> frozenset[str]:
        if name.startswith(_TAG_PREFIX):
            tag = name.removeprefix(_TAG_PREFIX)
            steps = frozenset(step.id for step in self._steps.values() if tag in step.tags)
            tags = tuple(dict.fromkeys(tag for step in self._steps.values() for tag in step.tags))
            known = (
                f"the tags are {_listed(tags)}" if tags else "no step has tags; add tags: [<name>] to a step"
            )
            problem = f"{option}: no step has the tag {tag!r}{did_you_mean(tag, tags)}; {known}"
        elif _GLOB.search(name):
            steps = frozenset(step for step in self._steps if fnmatchcase(step, name))
            problem = f"{option}: no step matches {name!r}; the steps are {_listed(self.ids)}"
        else:
            steps = frozenset({name}) if name in self._steps else frozenset()
            problem = f"{option}: no step is named {name!r}{did_you_mean(name, self.ids)}; the steps are {_listed(self.ids)}"
        if not steps:
            raise SettingsError(problem, option=option, value=name)
        return steps

    @staticmethod
    def _within(
        steps: Iterable[str], neighbors: Mapping[str, Sequence[str]], distance: str | None = None
    ) -> frozenset[str]:
        """Return ``steps`` and what can be reached from them in at most ``distance`` steps; any number if it is empty."""
        reached = set(steps)
        edge, left = reached, int(distance) if distance else len(neighbors)
        while edge and left:
            edge = {other for step in edge for other in neighbors[step]} - reached
            reached |= edge
            left -= 1
        return frozenset(reached)


def _same(steps: Iterable[str]) -> frozenset[str]:
    return frozenset(steps)


def _split(texts: Iterable[str], option: str) -> list[str]:
    names = [name.strip() for text in texts for name in text.split(",")]
    if not all(names):
        raise SettingsError(f"{option} has an empty name; write step ids separated by commas")
    return names


def _listed(names: Sequence[str], limit: int = 20) -> str:
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")
