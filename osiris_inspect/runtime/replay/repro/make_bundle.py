"""Makes a repro bundle: a failed step with its inputs, in a run directory without secrets and names."""

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple

import orjson

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import MaskedConfiguration, SettingsError
from osiris_inspect.model.manifest import bind_inputs
from osiris_inspect.model.redaction import mask_by_pattern
from osiris_inspect.runtime.frames.frame_part import Frame
from osiris_inspect.runtime.protocol.dependencies import COMPONENTS
from osiris_inspect.runtime.replay.earlier.earlier_pipeline import base_folder, find_step, read_run
from osiris_inspect.runtime.replay.earlier.earlier_run import PastRun, read_earlier_run
from osiris_inspect.runtime.replay.replay import ReplayHost, ReplayOptions
from osiris_inspect.runtime.replay.repro.clean_log import Cleaner
from osiris_inspect.runtime.replay.repro.code_files import code_files
from osiris_inspect.runtime.replay.repro.documents import original_document, repro_document, signature_of
from osiris_inspect.runtime.replay.repro.foreign_replay import CODE, EXTERNAL, REPRO, ForeignReplay
from osiris_inspect.runtime.replay.repro.input_frames import columns_of, read_inputs, read_refs, write_inputs
from osiris_inspect.runtime.replay.repro.known_texts import KnownTexts, known_texts
from osiris_inspect.runtime.replay.repro.leaks import find_known, find_values, is_kept
from osiris_inspect.runtime.replay.repro.reduce_inputs import ReducedInputs, ReduceOptions, reduce_inputs

ORIGINAL: Final = "original.json"
OLD_LOG: Final = "original_events.jsonl"
_MAX_SHOWN: Final = 5
_MAX_LENGTH: Final = 60
_CLEANED: Final = (layout.STATUS, layout.RUN_CARD)
"""Documents with texts about the run. Others, such as configurations, stay as they are, because the step runs with them."""


@dataclass(frozen=True, slots=True)
class BundleOptions:
    """How a bundle is made.

    Attributes:
        reduce: how the inputs become smaller and masked.
        keep: columns whose values may be seen: ``name``, or ``df.name`` of one input.
        with_log: True if the masked log of the earlier run is added.
        with_code: True if the code of the driver is added.
    """

    reduce: ReduceOptions = field(default_factory=ReduceOptions)
    keep: frozenset[str] = frozenset()
    with_log: bool = False
    with_code: bool = False


class ReproBundle(NamedTuple):
    """Content of a bundle.

    Attributes:
        files: files by their path in the zip.
        document: ``repro.json``.
    """

    files: Mapping[str, bytes]
    document: Mapping[str, Any]


class _BundleReplay(ForeignReplay):
    """The replay that a bundle is made of, as who receives it runs it."""

    _why: ClassVar = "a bundle holds its frames only"
    _fix: ClassVar = "replay it with osiris-inspect replay"


def failed_step(earlier: PastRun) -> str:
    """Return the step of a run that failed.

    Raises:
        SettingsError: none failed, or several did.
    """
    failed = [step.id for step in earlier.manifest.steps if earlier.steps[step.id].status == "failed"]
    if len(failed) == 1:
        return failed[0]
    reason = f"its steps {', '.join(failed[:20])} failed" if failed else "no step of it failed"
    raise SettingsError(f"{earlier.name}: {reason}", fix="name the step that the bundle is for")


def make_bundle(
    path: Path,
    step: str | None,
    options: BundleOptions,
    host: ReplayHost,
    on_progress: Callable[[str], None] = lambda _: None,
) -> ReproBundle:
    """Return the bundle of a failed step. The earlier run is only read.

    Raises:
        SettingsError: the step did not fail, needs more than its frames, or fails in another way when it is alone; or the
            bundle would contain a secret, a name or a value.
        OsirisError: see ``Replay``.
    """
    earlier = read_run(path)
    name = step or failed_step(earlier)
    find_step(earlier, name)
    if earlier.steps[name].status != "failed":
        raise SettingsError(f"step {name!r} of {earlier.name} did not fail", fix="name a step that failed")
    with tempfile.TemporaryDirectory(prefix="osiris-repro-") as folder:
        return _Maker(earlier, name, options, host, Path(folder), on_progress).make()


class _Maker:
    """Makes one bundle; ``folder`` is removed afterwards."""

    def __init__(
        self,
        earlier: PastRun,
        step: str,
        options: BundleOptions,
        host: ReplayHost,
        folder: Path,
        on_progress: Callable[[str], None],
    ) -> None:
        self._earlier, self._name, self._options = earlier, step, options
        self._host, self._folder, self._on_progress = host, folder, on_progress
        self._left_out: list[dict[str, str]] = []

    def make(self) -> ReproBundle:
        try:
            original = self._replay(self._recorded_options())
            reduced = self._reduced(original)
        except MaskedConfiguration as error:
            raise MaskedConfiguration(
                error.message.partition(", and the pipeline file")[0],
                fix="choose a step that runs without secrets: a bundle holds none",
            ) from error
        self._check_unmasked(reduced.unmasked)
        refs = read_refs(original.step)
        frames = {name: reduced.frames[name] for name in refs}
        reused = write_inputs(frames, refs, self._folder / "frames", self._earlier.name)
        replay = self._replay(replace(self._recorded_options(), frames=reused))
        self._on_progress(f"replays {self._name} isolated")
        result = replay.run()
        if result.verdict is None or not str(result.verdict).startswith("same failure"):
            raise SettingsError(
                f"step {self._name!r} does not fail in the same way alone and isolated: "
                f"{result.verdict or 'it was not reached'}: {result.error or 'no error'}",
                fix=f"run osiris-inspect replay {self._earlier.name} {self._name} --on sandbox to see the difference",
            )
        return self._bundle(replay, read_earlier_run(result.run.path), reduced)

    def _reduced(self, original: ForeignReplay) -> ReducedInputs:
        options = self._options.reduce
        if not (options.what or options.is_masked):
            frames = read_inputs(original.step, original.inputs.reused)
            return ReducedInputs(frames, frames)
        return reduce_inputs(
            self._earlier.path, self._name, options, self._recorded_options(), self._host, self._on_progress
        )

    def _recorded_options(self) -> ReplayOptions:
        """Return the options of every replay; SQL that may read files runs without that."""
        is_external = self._earlier.configs.get(self._name, {}).get(EXTERNAL)
        return ReplayOptions(changes={EXTERNAL: False} if is_external else {})

    def _replay(self, options: ReplayOptions) -> ForeignReplay:
        logs = self._folder / "logs"
        return _BundleReplay(self._earlier.path, self._name, replace(options, logs=logs), self._host)

    # --- content

    def _bundle(self, replay: ForeignReplay, later: PastRun, reduced: ReducedInputs) -> ReproBundle:
        components = replay.components
        known = known_texts(self._earlier, components, self._host.environment)
        files = self._cleaned(later, known)
        signature = signature_of(later.steps[self._name])
        files[ORIGINAL] = _json(original_document(self._earlier, signature))
        made = datetime.fromtimestamp(self._host.clock(), UTC)
        contents: dict[str, Any] = {
            "made": made.isoformat(timespec="seconds"),
            "shrink": reduced.shrink,
            "masks": dict(reduced.masks),
            "kept": sorted(self._options.keep),
            "left_out": self._left_out,
        }
        if self._options.with_code:
            code = code_files(replay.component)
            files |= {f"{CODE}/{name}": content for name, content in code.items()}
        document = repro_document(self._earlier, self._name, signature, contents, files)
        files[REPRO] = _json(document)
        self._check_known(files, known)
        if self._options.reduce.is_masked:
            self._check_values(files, reduced.original)
        return ReproBundle({f"{later.name}/{name}": content for name, content in files.items()}, document)

    def _cleaned(self, later: PastRun, known: KnownTexts) -> dict[str, bytes]:
        """Return the files of the new run that a bundle has, cleaned."""
        cleaner = Cleaner(known, self._own_folders(later), self._folders())
        names = {str(path.relative_to(later.path)) for path in later.path.rglob("*") if path.is_file()}
        files: dict[str, bytes] = {}
        for name in sorted(names):
            reason = self._reason_to_leave_out(name)
            content = (later.path / name).read_bytes()
            if reason:
                self._left_out.append({"path": name, "why": reason})
            elif name == layout.EVENTS:
                files[name] = cleaner.log(content, later.steps[self._name].error or "")
            elif name.endswith(".jsonl"):
                files[name] = cleaner.log(content, "")
            elif name == layout.WORKER_LOG:
                files[name] = cleaner.text(content.decode("utf-8", "replace")).encode()
            elif name in (*_CLEANED, layout.failed_checks_path(self._name)):
                files[name] = cleaner.json(content)
            else:
                files[name] = content
        if self._options.with_log:
            files[OLD_LOG] = self._old_log(cleaner)
        return files

    def _old_log(self, cleaner: Cleaner) -> bytes:
        content = (self._earlier.path / layout.EVENTS).read_bytes()
        masked = mask_by_pattern(content.decode("utf-8", "replace"))
        return cleaner.text(masked).encode()

    def _reason_to_leave_out(self, name: str) -> str:
        if name == layout.PACKAGES:
            return "it names every installed package"
        steps = {self._name, *(step.id for step in self._earlier.manifest.steps)}
        known = {
            *(layout.EVENTS, layout.METRICS, layout.WORKER_LOG, layout.STATUS, layout.MANIFEST),
            *(layout.RUN_CARD, COMPONENTS),
            *(layout.config_path(step) for step in steps),
            layout.cleaned_config_path(self._name),
            layout.failed_checks_path(self._name),
            *self._frame_paths,
        }
        return "" if name in known else "the driver wrote it"

    @property
    def _frame_paths(self) -> set[str]:
        step = find_step(self._earlier, self._name)
        return {
            path for ref in bind_inputs(step).values() for path in layout.spill_files(ref.from_step, ref.key)
        }

    def _own_folders(self, later: PastRun) -> set[str]:
        own = {str(path) for path in (self._earlier.path, later.path)}
        return own | {os.path.realpath(text) for text in own}

    def _folders(self) -> dict[str, str]:
        around = (base_folder(self._earlier), self._earlier.path.parent, Path.cwd())
        return {
            **{str(folder.absolute()): "<folder>" for folder in around},
            str(self._folder): "<temporary>",
        }

    # --- last search

    def _check_known(self, files: Mapping[str, bytes], known: KnownTexts) -> None:
        hits = list(find_known(files, known))
        if hits:
            raise SettingsError(
                f"the bundle would contain {_joined(f'{hit.what} in {hit.file}' for hit in hits)}; nothing was written",
                fix="remove them from the configuration and the names of the step",
            )

    def _check_unmasked(self, unmasked: Mapping[str, Sequence[Any]]) -> None:
        """Check that each column without a mask may be seen."""
        values = {
            column: [f"{str(value)[:_MAX_LENGTH]!r}" for value in values]
            for column, values in unmasked.items()
            if values and not is_kept(column, self._options.keep)
        }
        if values:
            raise _values_error(values, "no mask keeps the failure of")

    def _check_values(self, files: Mapping[str, bytes], frames: Mapping[str, Frame]) -> None:
        searched = {
            name: content for name, content in files.items() if name not in (OLD_LOG, ORIGINAL, COMPONENTS)
        }
        values: dict[str, list[str]] = {}
        for hit in find_values(searched, frames, self._options.keep, self._public_names(frames)):
            values.setdefault(hit.column, []).append(f"{hit.text[:_MAX_LENGTH]!r} in {hit.file}")
        if values:
            raise _values_error(values, "the bundle would contain values of")

    def _public_names(self, frames: Mapping[str, Frame]) -> frozenset[str]:
        """Return the names of the pipeline, its steps, keys and columns, which a bundle has."""
        manifest = self._earlier.manifest
        steps = (name for step in manifest.steps for name in (step.id, step.driver))
        labels = (label for frame in frames.values() for label, _ in columns_of(frame))
        keys = self._earlier.configs.get(self._name, {})
        return frozenset((manifest.name, *steps, *labels, *keys))


def _values_error(values: Mapping[str, Sequence[str]], reason: str) -> SettingsError:
    """Return the error that lists values by column."""
    columns = [f"{column} ({_joined(texts)})" for column, texts in values.items()]
    return SettingsError(
        f"{reason} {', '.join(columns)}",
        fix=f"add {' '.join(f'--keep {column}' for column in values)} if they may be seen",
    )


def _joined(texts: Iterable[str]) -> str:
    shown = list(dict.fromkeys(texts))
    more = len(shown) - _MAX_SHOWN
    return ", ".join(shown[:_MAX_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def _json(document: Any) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"
