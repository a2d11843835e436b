"""The page in a real browser: it asks for nothing, complains of nothing, and shows what it should."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.inspector.export.accept import rendered, told
from tests.inspector.export.hostile import TEXTS, report_of
from tests.samples import runs

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
IN_A_BROWSER = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
STORIES = {run.parent.name: run for run in runs()}


def browse(page: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Open a page without a screen and without a network; every word of its console goes to stderr."""
    assert BROWSER is not None
    return subprocess.run(
        [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
         f"--user-data-dir={page.parent / 'profile'}", "--disable-background-networking", "--disable-sync",
         "--no-first-run", "--disable-component-update",
         "--host-resolver-rules=MAP * ~NOTFOUND", *words, page.as_uri()],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip


@IN_A_BROWSER
@pytest.mark.parametrize("story", ["missing_input", "partly_skipped", "hostile"])
def test_a_browser_complains_of_nothing_and_loads_nothing(story: str, tmp_path: Path) -> None:
    found = report_of(TEXTS["html, closed first"], tmp_path) if story == "hostile" else told(STORIES[story])
    page = tmp_path / "page.html"
    page.write_text(rendered("html", found), encoding="utf-8")
    done = browse(page, "--dump-dom")
    assert "CONSOLE" not in done.stderr
    assert done.stdout.count("<section") == 1
    assert done.stdout.count('class="picture"') == 2


@IN_A_BROWSER
@pytest.mark.parametrize("asks", ["<img src='http://example.invalid/x.png'>", "<script>1</script>"])
def test_a_page_that_would_load_something_is_complained_of(asks: str, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(rendered("html", told(STORIES["good_local"])).replace("</body>", f"{asks}</body>"))
    assert "CONSOLE" in browse(page, "--dump-dom").stderr


@IN_A_BROWSER
def test_the_page_is_drawn_in_the_light_in_the_dark_and_on_paper(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(rendered("html", told(STORIES["partly_skipped"])), encoding="utf-8")
    for name, words in {"light": (), "dark": ("--blink-settings=preferredColorScheme=0",)}.items():
        browse(
            page, *words, "--hide-scrollbars", "--window-size=400,300", f"--screenshot={tmp_path / name}.png"
        )
    assert (tmp_path / "light.png").read_bytes() != (tmp_path / "dark.png").read_bytes()
    browse(page, "--no-pdf-header-footer", f"--print-to-pdf={tmp_path / 'page.pdf'}")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")


def test_the_page_names_no_other_place() -> None:
    text = rendered("html", *(told(run) for run in STORIES.values()))
    assert not re.findall(r"(?:https?:)?//\w", re.sub(r"<code.*?</code>|<td.*?</td>", "", text))
    assert "default-src 'none'" in text
