"""Output of reports: one format on stdout, and any number of files."""

import io
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from osiris_inspect.base.text.terminal_text import escape_json, terminal_text
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
"""Formats for the log of a CI job, not for a file."""
JSON_FORMATS: Final = ("chrome-trace", "gitlab", "json", "openlineage", "otlp", "sarif")
CHECKOUT_VARS: Final = (
    "GITHUB_WORKSPACE",
    "CI_PROJECT_DIR",
    "BUILD_SOURCESDIRECTORY",
    "BUILDKITE_BUILD_CHECKOUT_PATH",
    "WORKSPACE",
)
"""Variables with the path of the checkout: GitHub, GitLab, Azure, Buildkite, Jenkins."""
FILE_SUFFIX: Final = "_file"
"""Suffix of the keys of options that name a file for a format."""
STEP_SUMMARY: Final = "GITHUB_STEP_SUMMARY"
WIDTH: Final = 100
"""Columns if stdout is not a terminal. ``COLUMNS`` is then ignored, so that logs are the same on every machine."""


@cache
def format_names() -> tuple[str, ...]:
    """Return the names of all formats from the files of their folder, without importing them."""
    import pkgutil
    from importlib.util import find_spec

    spec = find_spec("osiris_inspect.inspector.export.formats")
    folders = spec.submodule_search_locations if spec is not None else None
    names = [module.name for module in pkgutil.iter_modules(folders or ())]
    return tuple(sorted(name.replace("_", "-") for name in names if not name.startswith("_")))


def options() -> tuple[OptionSpec, ...]:
    """Return the options of the main output."""
    names = (AUTO, *format_names())
    return (
        OptionSpec(
            "format",
            "Choose the format; auto = github or azure in their CI jobs, else text.",
            ("--format", "-f"),
            "choice",
            default=AUTO,
            choices=names,
        ),
        OptionSpec("output", "Write to FILE instead of stdout.", ("--output", "-o"), "path", metavar="FILE"),
        OptionSpec(
            "summary",
            "Also write a Markdown summary; default on GitHub: the job summary.",
            ("--summary",),
            "path",
            metavar="FILE",
        ),
        OptionSpec(
            "color",
            "Use colors: auto = on a terminal.",
            ("--color",),
            "choice",
            default="auto",
            choices=("auto", "always", "never"),
        ),
    )


def file_options() -> tuple[OptionSpec, ...]:
    """Return an option ``--<format> FILE`` for each format that can be a file."""
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


def requested_files(options: Mapping[str, Any]) -> Files:
    """Return the files that the options name, by format."""
    return {
        key.removesuffix(FILE_SUFFIX).replace("_", "-"): file
        for key, file in options.items()
        if key.endswith(FILE_SUFFIX) and file is not None
    }


class ReportOutputs(NamedTuple):
    """The requested outputs.

    Attributes:
        format: format of ``output``, or of stdout if that is None.
        summary: file of the Markdown summary.
        files: further files by format.
    """

    format: str
    output: Path | None
    summary: Path | None
    files: Files
    color: Color

    def write(self, reports: Sequence["Report"], env: Mapping[str, str]) -> None:
        """Write all outputs, stdout last, so that a file error comes before the report."""
        ci = ci_context(env)
        for name, file in self.files.items():
            write(render(reports, name, ci, to_terminal=False, color="never"), file, f"--{name}")
        summary = summary_file(self.summary, self.format, env)
        if summary is not None:
            write_summary(reports, ci, summary, env)
        to_terminal = self.output is None and streams.is_stdout_terminal()
        name = resolve_format(self.format, env, to_file=self.output is not None)
        write(render(reports, name, ci, to_terminal=to_terminal, color=self.color), self.output)


def resolve_format(format_: str, env: Mapping[str, str], *, to_file: bool) -> str:
    """Return the format; for ``auto`` on stdout that of the CI system, else text.

    GitLab and Buildkite read no commands from a log.
    """
    if format_ != AUTO:
        return format_
    if to_file:
        return "text"
    if env.get("GITHUB_ACTIONS") == "true":
        return "github"
    return "azure" if env.get("TF_BUILD", "").lower() == "true" else "text"


def ci_context(env: Mapping[str, str]) -> "CIContext":
    """Return the checkout of the CI job; without CI variables the parent folder with ``.git``."""
    from osiris_inspect.inspector.export import CIContext
    from osiris_inspect.inspector.project.source_location import RepositoryCheckout

    folder = Path.cwd()
    named = [Path(os.path.realpath(env[name])) for name in CHECKOUT_VARS if env.get(name)]
    above = [parent for parent in (folder, *folder.parents) if (parent / ".git").exists()]
    root = next((parent for parent in (*named, *above) if folder.is_relative_to(parent)), folder)
    return CIContext(RepositoryCheckout(folder, root), os.urandom(16).hex())


def render(
    reports: Sequence["Report"],
    format_: str,
    ci: "CIContext | None" = None,
    *,
    to_terminal: bool,
    color: Color,
) -> str:
    """Return the reports in a format, as wide as the terminal, else ``WIDTH`` columns.

    Their text is sanitized: it can be written as it is to a terminal, to the log of a CI job, or to a file.
    """
    from osiris_inspect.inspector.export import NO_CI, get_renderer

    width = WIDTH
    if to_terminal:
        import shutil

        width = shutil.get_terminal_size((WIDTH, 24)).columns
    use_color = _use_color(color, to_terminal=to_terminal)
    sanitize = escape_json if format_ in JSON_FORMATS else partial(terminal_text, colors=use_color)
    out = _SanitizedReport(sanitize)
    if format_ == "text" and len(reports) > 1:  # the newest at the end, where a terminal shows it
        from osiris_inspect.inspector.analysis.report_spool import newest_last

        reports = newest_last(reports)
    get_renderer(format_)(reports, out, width=width, color=use_color, ci=ci or NO_CI)
    return out.getvalue()


class _SanitizedReport(io.StringIO):
    """A report whose texts are sanitized; ``control`` adds what the program built, such as a command of a CI system."""

    def __init__(self, sanitize: Callable[[str], str]) -> None:
        super().__init__()
        self._sanitize = sanitize
        self._parts: list[str] = []

    def control(self, text: str) -> None:
        """Add a text as it is."""
        self._parts += [self._sanitize(super().getvalue()), text]
        self.seek(0)
        self.truncate()

    def getvalue(self) -> str:
        """Return the report."""
        return "".join([*self._parts, self._sanitize(super().getvalue())])


def write(report: str, output: Path | None, option: str = "--output") -> None:
    """Write a sanitized report to a file, creating its folder, or to stdout."""
    if output is None:
        streams.write_stdout("", control=report)
        return
    try:
        output.parent.mkdir(exist_ok=True)
        output.write_text(report, encoding="utf-8")
    except OSError as error:
        raise unwritable(output, option, error) from error


def summary_file(file: Path | None, format_: str, env: Mapping[str, str]) -> Path | None:
    """Return the file of the summary; by default, on GitHub with ``auto``, that of the job step."""
    if file is None and format_ == AUTO and env.get("GITHUB_ACTIONS") == "true" and env.get(STEP_SUMMARY):
        return Path(env[STEP_SUMMARY])
    return file


def write_summary(reports: Sequence["Report"], ci: "CIContext", file: Path, env: Mapping[str, str]) -> None:
    """Write the Markdown summary; append to the file of a GitHub step, within its size limit."""
    from osiris_inspect.inspector.export.formats import markdown

    shared = bool(env.get(STEP_SUMMARY)) and file.resolve() == Path(env[STEP_SUMMARY]).resolve()
    try:
        taken = file.stat().st_size if shared and file.exists() else 0
        text = terminal_text(markdown.render_markdown(reports, ci.checkout, markdown.MAX_BYTES - taken))
        file.parent.mkdir(exist_ok=True)
        with file.open("a" if shared else "w", encoding="utf-8") as out:
            out.write(text)
    except OSError as error:
        raise unwritable(file, "--summary", error) from error


def unwritable(file: Path, option: str, error: OSError) -> WrongUse:
    """Return the error for a file that cannot be written."""
    return WrongUse(f"{option}: {str(file)!r} cannot be written: {(error.strerror or str(error)).lower()}")


def _use_color(color: Color, *, to_terminal: bool) -> bool:
    if color != "auto":
        return color == "always"
    return to_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
