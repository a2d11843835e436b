"""What a log says is shown and does nothing, in every format and within its limits."""

import io
import json
import re
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt

from osiris_inspect.inspector.export import CIContext, format_names, get_renderer
from osiris_inspect.inspector.project.source_location import RepositoryCheckout
from osiris_inspect.inspector.run.report import Report
from tests.inspector.export import runner
from tests.inspector.export.hostile import NAMES, SIGN, TEXTS, report_of, report_with

MANY = 10_000
TOKEN = "5f0c7a1b9e3d4a6685f7d1c2b3a49586"
EACH = pytest.mark.parametrize("name", NAMES)
MIB = 1 << 20
Said = Callable[[str], Report]
OfMany = Callable[[str], str]


def rendered(format_: str, *reports: Report) -> str:
    out = io.StringIO()
    get_renderer(format_)(reports, out, ci=CIContext(RepositoryCheckout(Path("/repo"), Path("/repo")), TOKEN))
    return out.getvalue()


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Said:
    """The report of the run that says a text, read once."""
    return cache(lambda name: report_of(TEXTS[name], tmp_path_factory.mktemp("said")))


@pytest.fixture(scope="module")
def of_many(many: Report) -> OfMany:
    """What each format writes of it, rendered once."""
    return cache(lambda format_: rendered(format_, many))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return report_with(MANY, tmp_path_factory.mktemp("many"))


@EACH
@pytest.mark.parametrize("format_", format_names())
def test_no_control_character_and_nothing_without_a_form_reaches_an_output(
    format_: str, name: str, said: Said
) -> None:
    text = rendered(format_, said(name))
    text.encode()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", text)
    assert not re.search(
        "[\u00ad\u061c\u180e\u200b-\u200f\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]", text
    )


@EACH
def test_github_runner_obeys_nothing_but_our_annotations(name: str, said: Said) -> None:
    found = said(name)
    commands = runner.of_github(rendered("github", found))
    assert len(commands) == len(found.findings)
    assert {command.name for command in commands} <= {"error", "warning", "notice"}
    for command in commands:
        assert set(command.properties) <= {"file", "line", "title"}
        assert not command.properties.get("file", "").startswith(("/", ".."))
        assert len(command.message) <= 4096


@EACH
def test_azure_agent_obeys_nothing_but_our_issues(name: str, said: Said) -> None:
    found = said(name)
    commands = runner.of_azure(rendered("azure", found))
    assert {command.name for command in commands} == {"task.logissue"}
    assert len(commands) == sum(
        finding.caused_by is None and finding.severity != "note" for finding in found.findings
    )
    for command in commands:
        assert set(command.properties) <= {"type", "sourcepath", "linenumber", "code"}
        assert command.properties["type"] in ("error", "warning")


@EACH
@pytest.mark.parametrize("format_", ["text", "markdown", "json", "gitlab", "html", "junit", "sarif"])
def test_no_line_of_a_file_is_a_command_where_it_is_printed(format_: str, name: str, said: Said) -> None:
    """Files are printed in jobs too; what is a command to a runner may stand there only inside a line."""
    text = rendered(format_, said(name))
    assert not re.search(r"^\s*::[\w-]+[ :]", text, re.MULTILINE)


class Tags(HTMLParser):
    """The tags and attributes that a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in ("meta", "rect", "path"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@EACH
def test_html_has_no_element_and_no_attribute_from_a_log(name: str, said: Said) -> None:
    page = Tags()
    page.feed(rendered("html", said(name)))
    page.close()
    assert not page.open
    assert not page.tags & {"script", "img", "iframe", "object", "link", "base", "form", "a"}
    assert not [attribute for attribute in page.attributes if attribute.startswith(("on", "src"))]


@EACH
def test_markdown_has_no_link_no_picture_and_no_html_from_a_log(name: str, said: Said) -> None:
    page = MarkdownIt("gfm-like").parse(rendered("markdown", said(name)))
    inner = [child for token in page for child in token.children or ()]
    assert not [token for token in inner if token.type in ("link_open", "image", "html_inline")]
    assert [token.content.strip() for token in page if token.type == "html_block"] in (
        [],
        ["<details><summary>Lineage</summary>", "</details>"],
    )
    headings = [page[place + 1].content for place, token in enumerate(page) if token.type == "heading_open"]
    assert [heading for heading in headings[1:] if heading != "Findings"] == []
    assert not [token for token in inner if token.type == "text" and SIGN in token.content]


@EACH
def test_markdown_table_has_as_many_cells_as_columns(name: str, said: Said) -> None:
    page = MarkdownIt("gfm-like").parse(rendered("markdown", said(name)))
    opened = [token.type for token in page if token.type in ("tr_open", "td_open")]
    assert opened.count("td_open") == 7 * (opened.count("tr_open") - 1)


@EACH
def test_xml_holds_every_step_once_and_no_case_from_a_log(name: str, said: Said) -> None:
    found = said(name)
    document = ET.fromstring(rendered("junit", found))
    steps = len(found.run.steps)
    outside = {finding.step or finding.stage for finding in found.findings} - {
        step.id for step in found.run.steps
    }
    assert len(document.findall(".//testcase")) in (steps + len(outside), steps + 1)


@pytest.mark.sampled(8)
@pytest.mark.parametrize("format_", format_names())
def test_ten_thousand_findings_are_written_within_a_limit(format_: str, of_many: OfMany) -> None:
    limits = {
        "markdown": 900_000,
        "junit": 30_000_000,
        "html": 2 * MIB,
        "gitlab": 10 * MIB,
        "sarif": 20 * MIB,
    }
    size = len(of_many(format_).encode())
    assert size <= limits.get(format_, 32 * MIB)


def test_github_has_ten_annotations_a_type_and_the_last_one_counts_the_rest(of_many: OfMany) -> None:
    commands = runner.of_github(of_many("github"))
    by_type = {kind: [one for one in commands if one.name == kind] for kind in ("error", "warning", "notice")}
    assert {kind: len(found) for kind, found in by_type.items()} == dict.fromkeys(by_type, 10)
    hidden = [int(re.sub(r"\D", "", found[-1].message.partition(" ")[0])) for found in by_type.values()]
    assert sum(hidden) + 27 == MANY


def test_azure_says_how_many_issues_it_leaves_out(many: Report, of_many: OfMany) -> None:
    commands = runner.of_azure(of_many("azure"))
    loud = sum(finding.caused_by is None and finding.severity != "note" for finding in many.findings)
    assert len(commands) == 100
    assert commands[-1].message.startswith(f"+{loud - 99:,} more")


def test_markdown_says_how_much_it_leaves_out(of_many: OfMany) -> None:
    lines = of_many("markdown").splitlines()
    shown = sum("**unexplained-failure**" in line and line.lstrip().startswith("- ") for line in lines)
    (left,) = [line for line in lines if "omitted" in line]
    assert 1000 < shown < MANY
    assert int(re.sub(r"\D", "", left)) >= MANY - shown


def test_sarif_keeps_the_strongest_and_counts_the_rest(of_many: OfMany) -> None:
    (run,) = json.loads(of_many("sarif"))["runs"]
    assert len(run["results"]) == 5000
    assert (
        "5,000 findings are omitted"
        in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
    )


def test_gitlab_counts_what_it_leaves_out(of_many: OfMany) -> None:
    entries = json.loads(of_many("gitlab"))
    assert len({entry["fingerprint"] for entry in entries}) == len(entries) == 5001
    assert "more findings" in entries[-1]["description"]


@pytest.mark.parametrize("format_", ["github", "azure"])
def test_a_log_has_one_line_for_each_of_ten_thousand_findings(format_: str, of_many: OfMany) -> None:
    lines = of_many(format_).splitlines()
    told = [line for line in lines if re.match(r"\s+[✗!i] \w+ unexplained-failure step-\d+: \d+ ?", line)]
    assert len(told) == MANY - 1  # the first one is the cause at the top


@pytest.mark.parametrize("format_", format_names())
def test_message_of_megabytes_is_cut_in_every_format(format_: str, said: Said) -> None:
    assert len(rendered(format_, said("long"))) < 400_000
