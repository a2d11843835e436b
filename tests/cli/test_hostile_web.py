"""Commands on web servers that cannot be trusted: exit code 3 and one line, and no credentials on any path out."""

from pathlib import Path

import pytest

from tests.cli.shell import Done, osiris_inspect
from tests.inspector.hostile_web import FOLDER, LOG, Request, answering, of_file, page, response
from tests.samples import SAMPLES

pytestmark = pytest.mark.sampled(3)

pytest.importorskip("aiohttp", reason="the extra 'remote' is not installed")

EVENTS = f"{FOLDER}/events.jsonl"
COMMANDS = {
    "summarize": ("summarize", "{run}"),
    "why": ("why", "{run}", "a"),
    "lineage": ("lineage", "{run}"),
    "events": ("events", "{run}"),
    "follow": ("events", "{run}", "--follow"),
    "runs": ("runs", "{run}"),
    "sql": ("sql", "{run}", "select 1"),
    "pack": ("pack", "{run}"),
    "open": ("open", "{run}"),
    "web": ("open", "{run}", "--web"),
    "path alone": ("{run}",),
}


def asked(address: str, words: tuple[str, ...], cwd: Path) -> Done:
    env = {"XDG_CACHE_HOME": str(cwd / "cache"), "HOME": str(cwd)}
    return osiris_inspect(*(word.format(run=address) for word in words), cwd=cwd, env=env)


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_command_names_what_cannot_be_fetched(words: tuple[str, ...], tmp_path: Path) -> None:
    def answer(request: Request) -> bytes:
        if request.path == EVENTS:
            return response(b"", 302, Location="/internal")
        return page("events.jsonl") if request.path == f"{FOLDER}/" else response(b"INTERNAL")

    with answering(answer) as web:
        done = asked(web.address, words, tmp_path)

    assert (done.code, done.out) == (3, "")
    assert done.err.count("\n") == 1
    assert "cannot be fetched: the server redirects to" in done.err
    assert "INTERNAL" not in done.err


@pytest.mark.parametrize("words", [COMMANDS["summarize"], COMMANDS["follow"]], ids=["summarize", "follow"])
def test_run_that_fails_later_is_not_diagnosed(words: tuple[str, ...], tmp_path: Path) -> None:
    def answer(request: Request) -> bytes:
        if request.path == EVENTS:
            return response(LOG[:20], Content_Length=str(len(LOG)))
        return page("events.jsonl") if request.path == f"{FOLDER}/" else response(status=404)

    with answering(answer) as web:
        done = asked(web.address, words, tmp_path)

    assert (done.code, done.out) == (3, "")
    assert "cannot be fetched: " in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("command", ["summarize", "sql"])
def test_limits_of_the_command_line_hold(command: str, tmp_path: Path) -> None:
    def answer(request: Request) -> bytes:
        return page("events.jsonl") if request.path == f"{FOLDER}/" else of_file(request, LOG * 100)

    with answering(answer) as web:
        refused = asked(web.address, (*COMMANDS[command], "--max-bytes", "1kB"), tmp_path)
        allowed = asked(web.address, (*COMMANDS[command], "--max-bytes", "1MB"), tmp_path)

    assert refused.code == 3
    assert "more than 1,000 bytes; raise the limit with --max-bytes" in refused.err
    assert allowed.code != 3


def test_size_that_is_none_is_wrong_use(tmp_path: Path) -> None:
    done = asked("http://127.0.0.1:9/logs", ("summarize", "{run}", "--max-bytes", "much"), tmp_path)

    assert done.code == 2
    assert "--max-bytes: 'much' is not a size" in done.err


def test_host_named_on_the_command_line_may_be_redirected_to(tmp_path: Path) -> None:
    with answering(lambda request: of_file(request, LOG)) as store:
        host = f"127.0.0.1:{store.port}"

        def answer(request: Request) -> bytes:
            if request.path == EVENTS:
                return response(b"", 307, Location=f"http://{host}/signed")
            return page("events.jsonl") if request.path == f"{FOLDER}/" else response(status=404)

        with answering(answer) as web:
            done = asked(
                web.address, ("summarize", "{run}", "--allow-redirect", host, "--exit-zero"), tmp_path
            )

    assert done.code == 0
    assert "2 events" in done.out


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, "good") for name in COMMANDS if name != "web"),
        *(("summarize", kind) for kind in ("denied", "redirected", "cut")),
    ],
)
def test_credentials_of_an_address_are_not_printed(name: str, kind: str, tmp_path: Path) -> None:
    (log,) = (SAMPLES / "missing_input").glob("*/events.jsonl")
    body = log.read_bytes()

    def answer(request: Request) -> bytes:
        if request.path == f"{FOLDER}/":
            return page("events.jsonl")
        if request.path != EVENTS:
            return response(status=404)
        if kind == "denied":
            return response(b"", 401, WWW_Authenticate="Basic")
        if kind == "redirected":
            return response(b"", 302, Location="http://ann:pass-word-1@127.0.0.1:9/x?sig=pass-word-1")
        return response(body[:10], Content_Length=str(len(body))) if kind == "cut" else of_file(request, body)

    with answering(answer) as web:
        done = asked(web.address.replace("http://", "http://ann:pass-word-1@"), COMMANDS[name], tmp_path)

    assert "pass-word-1" not in done.out + done.err
    assert done.code == 3 if kind != "good" else done.code in (0, 1, 2)
    assert all("pass-word-1" not in str(path) for path in tmp_path.rglob("*"))
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert b"pass-word-1" not in kept


@pytest.mark.parametrize(
    "address",
    [
        "http://ann:pass-word-1@/logs",
        "http://ann:pass-word-1/x@127.0.0.1:9/logs",
        "http://127.0.0.1:9/logs?token=pass-word-1",
        "http://127.0.0.1:9/logs#pass-word-1",
        "http://ann:pass-word-1@127.0.0.1:x/logs",
        "http://ann:pass-word-1@127.0.0.1:9",
        "s3://ann:pass-word-1@bucket",
        "ftp2://ann:pass-word-1@host/logs",
        "http://ann:pass-word-1@127.0.0.1:9/logs",
        "http://ann:pass-word-1@[::1/logs",
    ],
)
def test_wrong_address_is_refused_without_its_credentials(address: str, tmp_path: Path) -> None:
    done = asked(address, ("summarize", "{run}"), tmp_path)

    assert done.code == 3
    assert "pass-word-1" not in done.out + done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("broken", ["run_1790000000001", "run_1790000000002", "run_1790000000003"])
def test_broken_run_does_not_hide_the_others(broken: str, tmp_path: Path) -> None:
    names = [f"run_179000000000{number}" for number in (1, 2, 3)]

    def answer(request: Request) -> bytes:
        if request.path == f"{FOLDER}/":
            return page(*(f"{name}/" for name in names))
        if request.path.endswith("/"):
            return page("events.jsonl")
        if broken in request.path:
            return response(LOG[:10], Content_Length=str(len(LOG)))
        return of_file(request, LOG) if request.path.endswith("/events.jsonl") else response(status=404)

    with answering(answer) as web:
        report = asked(web.address, ("summarize", "{run}"), tmp_path)
        listed = asked(web.address, ("runs", "{run}"), tmp_path)

    assert report.code == 1
    assert all((name in report.out) is (name != broken) for name in names)
    assert report.err.count("\n") == 1
    assert f"{broken}/events.jsonl' cannot be fetched: the connection ended" in report.err
    (line,) = [line for line in listed.out.splitlines() if "cannot be fetched" in line]
    assert all(name in listed.out for name in names if name != broken)
    assert line.startswith("✗") or "unreadable" in line
