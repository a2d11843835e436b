"""Where reports go: stdout in one format, and any number of files beside it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.exit_codes import WrongUse
from osiris_inspect.cli.support.option_table import OptionSpec

if TYPE_CHECKING:
    from osiris_inspect.inspector.export import CIContext
    from osiris_inspect.inspector.run.report import Report

Color = Literal["auto", "always", "never"]
Files = Mapping[str, Path]
AUTO: Final = "auto"
LOG_ONLY_FORMATS: Final = ("azure", "github")
"""Formats that mean something in the log of a job alone, not in a file."""
CHECKOUT_VARS: Final = (
    "GITHUB_WORKSPACE",
    "CI_PROJECT_DIR",
    "BUILD_SOURCESDIRECTORY",
    "BUILDKITE_BUILD_CHECKOUT_PATH",
    "WORKSPACE",
)
"""The variables in which CI systems name the checkout: GitHub, GitLab, Azure, Buildkite, Jenkins."""
FILE_SUFFIX: Final = "_file"
"""How the keys of the options end that name a file for a format."""
STEP_SUMMARY: Final = "GITHUB_STEP_SUMMARY"
WIDTH: Final = 100
"""Columns where no terminal says otherwise: a pipe has none, and a job's log is wide.

``COLUMNS`` is asked on a terminal alone: a container or a job inherits it from whoever started it, and its log is to be
the same on every machine.
"""


@cache
def format_names() -> tuple[str, ...]:
    """The names of all formats, from the listing of their folder: nothing of the inspector is loaded for them."""
    import pkgutil
    from importlib.util import find_spec

    spec = find_spec("osiris_inspect.inspector.export.formats")
    folders = spec.submodule_search_locations if spec is not None else None
    names = [module.name for module in pkgutil.iter_modules(folders or ())]
    return tuple(sorted(name.replace("_", "-") for name in names if not name.startswith("_")))


def options() -> tuple[OptionSpec, ...]:
    """The options that say what is written to stdout or to a file instead of it, and how."""
    return (
        OptionSpec(
            "format",
            "What to print: auto is github or azure in a job there, else text.",
            ("--format", "-f"),
            "choice",
            default=AUTO,
            choices=(AUTO, *format_names()),
        ),
        OptionSpec("output", "Write to FILE instead of stdout.", ("--output", "-o"), "path", metavar="FILE"),
        OptionSpec(
            "summary",
            "Also write Markdown for a job's summary; with auto on GitHub, to the step's own.",
            ("--summary",),
            "path",
            metavar="FILE",
        ),
        OptionSpec(
            "color",
            "Color on a terminal, always or never.",
            ("--color",),
            "choice",
            default="auto",
            choices=("auto", "always", "never"),
        ),
    )


def file_options() -> tuple[OptionSpec, ...]:
    """An option ``--<format> FILE`` for each format that means something in a file."""
    return tuple(
        OptionSpec(
            f"{name.replace('-', '_')}{FILE_SUFFIX}",
            f"Also write {name} to FILE.",
            (f"--{name}",),
            "path",
            metavar="FILE",
            panel="Files, any number at once",
        )
        for name in format_names()
        if name not in LOG_ONLY_FORMATS
    )


def requested_files(given: Mapping[str, Any]) -> Files:
    """The files that are asked for with these options, by format."""
    asked = {key.removesuffix(FILE_SUFFIX): file for key, file in given.items() if key.endswith(FILE_SUFFIX)}
    return {name.replace("_", "-"): file for name, file in asked.items() if file is not None}


@dataclass(frozen=True, slots=True)
class ReportOutputs:
    """What is written where.

    Attributes:
        format: the format of ``output``, or of stdout where that is None.
        summary: the file for a summary in Markdown, if any.
        files: further files by format.
    """

    format: str
    output: Path | None
    summary: Path | None
    files: Files
    color: Color

    def write(self, reports: Sequence["Report"], env: Mapping[str, str]) -> None:
        """Write all of them, stdout last, so that a file that cannot be written is told before anything is shown."""
        here = ci_context(env)
        for name, file in self.files.items():
            write(render(reports, name, here, to_terminal=False, color="never"), file, f"--{name}")
        summary = summary_file(self.summary, self.format, env)
        if summary is not None:
            write_summary(reports, here, summary, env)
        to_terminal = self.output is None and streams.is_stdout_terminal()
        name = resolve_format(self.format, env, to_file=self.output is not None)
        write(render(reports, name, here, to_terminal=to_terminal, color=self.color), self.output)


def resolve_format(format_: str, env: Mapping[str, str], *, to_file: bool) -> str:
    """The format for stdout: what was asked for; for ``auto`` the one that the CI system around us reads, else text.

    GitLab and Buildkite take no commands from a log, so there it is text too.
    """
    if format_ != AUTO:
        return format_
    if to_file:
        return "text"
    if env.get("GITHUB_ACTIONS") == "true":
        return "github"
    return "azure" if env.get("TF_BUILD", "").lower() == "true" else "text"


def ci_context(env: Mapping[str, str]) -> "CIContext":
    """The job we work in: its checkout, as the CI system or the folder above us that holds ``.git`` tells."""
    from osiris_inspect.inspector.export import CIContext
    from osiris_inspect.inspector.project.source_location import RepositoryCheckout

    folder = Path.cwd()
    named = [Path(os.path.realpath(env[name])) for name in CHECKOUT_VARS if env.get(name)]
    above = [place for place in (folder, *folder.parents) if (place / ".git").exists()]
    root = next((place for place in (*named, *above) if folder.is_relative_to(place)), folder)
    return CIContext(RepositoryCheckout(folder, root), os.urandom(16).hex())


def render(
    reports: Sequence["Report"],
    format_: str,
    job: "CIContext | None" = None,
    *,
    to_terminal: bool,
    color: Color,
) -> str:
    """The reports in a format, as wide as the terminal, else in a width that suits a log."""
    import io

    from osiris_inspect.inspector.export import NO_CI, get_renderer

    width = WIDTH
    if to_terminal:
        import shutil

        width = shutil.get_terminal_size((WIDTH, 24)).columns
    out = io.StringIO()
    wanted = _wants_color(color, to_terminal=to_terminal)
    get_renderer(format_)(reports, out, width=width, color=wanted, ci=job or NO_CI)
    return out.getvalue()


def write(text: str, output: Path | None, option: str = "--output") -> None:
    """Write to a file, whose own folder is made, or to stdout, where what the terminal cannot show becomes a question mark."""
    if output is None:
        streams.write_stdout(text)
        return
    try:
        output.parent.mkdir(exist_ok=True)
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise unwritable(output, option, error) from error


def summary_file(asked: Path | None, format_: str, env: Mapping[str, str]) -> Path | None:
    """Where the summary goes: what was asked for; where the format was found to be GitHub's, the step's own file."""
    if asked is None and format_ == AUTO and env.get("GITHUB_ACTIONS") == "true" and env.get(STEP_SUMMARY):
        return Path(env[STEP_SUMMARY])
    return asked


def write_summary(reports: Sequence["Report"], job: "CIContext", file: Path, env: Mapping[str, str]) -> None:
    """Write the summary as Markdown. The file of a GitHub step may hold more, so it is added to, within its limit."""
    from osiris_inspect.inspector.export.formats import markdown

    shared = bool(env.get(STEP_SUMMARY)) and file.resolve() == Path(env[STEP_SUMMARY]).resolve()
    try:
        taken = file.stat().st_size if shared and file.exists() else 0
        text = markdown.render_markdown(reports, job.checkout, markdown.MOST_BYTES - taken)
        file.parent.mkdir(exist_ok=True)
        with file.open("a" if shared else "w", encoding="utf-8") as out:
            out.write(text)
    except OSError as error:
        raise unwritable(file, "--summary", error) from error


def unwritable(file: Path, option: str, error: OSError) -> WrongUse:
    """What is said of a file that an option names and that cannot be written."""
    return WrongUse(f"{option}: {str(file)!r} cannot be written: {(error.strerror or str(error)).lower()}")


def _wants_color(color: Color, *, to_terminal: bool) -> bool:
    if color != "auto":
        return color == "always"
    return to_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
