"""Rewrite the outputs and the pictures of the README: ``python -m tests.make_readme``."""

import asyncio
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PICTURE = ROOT / ".github/screens/overview.svg"
DRAWINGS = {
    "lineage": ROOT / ".github/screens/lineage.svg",
    "timeline": ROOT / ".github/screens/timeline.svg",
}
"""Pictures of a run by the command that draws them."""
DRAWN_RUN = "sample_logs/partly_skipped"
RUN = ROOT / "sample_logs/original_nonetype"
OUTPUT = re.compile(
    r"^```sh\n(?P<command>osiris-inspect [^\n#]*).*\n```\n\n```text\n(?P<output>[^`]*)```$", re.MULTILINE
)
"""A block with one command, and the block with the first paragraphs of its output."""
PARAGRAPHS = 2


def drawing(command: str) -> str:
    """Return the picture that ``lineage`` or ``timeline`` draws."""
    return _stdout(f"osiris-inspect {command} {DRAWN_RUN} --format svg")


def output_of(command: str) -> str:
    """Return the first paragraphs that a command prints into a pipe."""
    return "\n\n".join(_stdout(command).split("\n\n")[:PARAGRAPHS]) + "\n"


def _stdout(command: str) -> str:
    variables = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        command, shell=True, cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )
    return done.stdout


def with_outputs(text: str) -> str:
    """Return the README with the output of today's program."""
    return OUTPUT.sub(
        lambda block: block[0].replace(
            f"```text\n{block['output']}", f"```text\n{output_of(block['command'])}"
        ),
        text,
    )


async def picture() -> str:
    """Return the screen of a failed run as SVG."""
    from osiris_inspect.tui.app import InspectorApp
    from osiris_inspect.tui.screens.run import RunScreen
    from osiris_inspect.tui.shared.data_source import LocalDataSource

    (run,) = RUN.glob("run_*")
    app = InspectorApp(run, LocalDataSource(None), clock=time.time)
    async with app.run_test(size=(120, 32)) as pilot:
        while not (isinstance(app.screen, RunScreen) and app.screen.report is not None):
            await asyncio.sleep(0.01)
        await pilot.pause(0.5)
        return app.export_screenshot(title="osiris-inspect")


if __name__ == "__main__":
    README.write_text(with_outputs(README.read_text()))
    PICTURE.write_text(asyncio.run(picture()))
    for name, file in DRAWINGS.items():
        file.write_text(drawing(name))
