"""Web servers that lie, stall, send without end or lead elsewhere: a clear error, and nothing false on the disk."""

import gzip
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from osiris_inspect.inspector.files import remote_registry
from osiris_inspect.inspector.files.find_runs import find_runs
from osiris_inspect.inspector.reader.loader import load
from osiris_inspect.inspector.remote.open_remote import open_remote
from osiris_inspect.inspector.remote.remote import RemoteLimits
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.errors import RunNotReadable
from tests.inspector.hostile_web import FOLDER, LOG, Answer, Request, answering, of_file, page, response

pytest.importorskip("aiohttp", reason="the extra 'remote' is not installed")

EVENTS = f"{FOLDER}/events.jsonl"


@pytest.fixture(autouse=True)
def _fresh_registry() -> Iterator[None]:
    yield
    remote_registry._registry.clear()


@pytest.fixture
def short_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("osiris_inspect.inspector.remote.web_client.TIMEOUT_S", 1.0)


def fetch(address: str, cache: Path, limits: RemoteLimits | None = None) -> Run:
    folder = open_remote(address, cache, *([limits] if limits else []))
    return load(find_runs(folder)[0])


def with_log(answer: Answer) -> Answer:
    """A server that lists the log of one run honestly and answers requests for the log by ``answer``."""

    def answered(request: Request) -> bytes | Iterator[bytes]:
        if request.path == f"{FOLDER}/":
            return page("events.jsonl")
        return answer(request) if request.path.partition("?")[0] == EVENTS else response(status=404)  # type: ignore[return-value]

    return answered


def refused(answer: Answer, cache: Path, limits: RemoteLimits | None = None) -> str:
    """Return the error of a run whose log is answered so; check that no false file is left."""
    with answering(with_log(answer)) as web, pytest.raises(RunNotReadable) as caught:
        fetch(web.address, cache, limits)
    assert "cannot be fetched: " in str(caught.value)
    assert "\n" not in str(caught.value)
    assert max((file.stat().st_size for file in cache.rglob("*.jsonl")), default=0) <= 2 * len(LOG)
    return str(caught.value)


# ── redirects ──

ELSEWHERE = [
    "http://127.0.0.1:{other}" + EVENTS,
    "http://localhost:{port}" + EVENTS,
    "http://127.0.0.1:{port}/internal",
    "/internal",
    "//127.0.0.1:{other}" + EVENTS,
    "../../internal",
    f"{FOLDER}/../../internal",
    f"{FOLDER}/%2e%2e/%2e%2e/internal",
    f"{FOLDER}0/events.jsonl",
    "http://user:word@127.0.0.1:{other}/x",
    "http://127.0.0.1:{port}@127.0.0.1:{other}/x",
    "http://169.254.169.254/latest/meta-data",
    "http://[::1]:{other}/x",
    "file:///etc/passwd",
    "ftp://127.0.0.1:{other}/x",
    "javascript:alert(1)",
    "http://127.0.0.1:99999999/x",
    "http://[x/",
]


@pytest.mark.parametrize(
    ("location", "status"),
    [
        *((location, 302) for location in ELSEWHERE),
        *(("/internal", status) for status in (301, 303, 307, 308)),
    ],
)
def test_redirect_to_another_place_is_refused(location: str, status: int, tmp_path: Path) -> None:
    with answering(lambda _: response(b"INTERNAL")) as other:

        def answer(request: Request) -> bytes:
            if request.path in ("/internal", f"{FOLDER}0/events.jsonl"):
                return response(b"INTERNAL")
            port = request.headers["host"].partition(":")[2]
            return response(b"", status, Location=location.format(port=port, other=other.port))

        said = refused(answer, tmp_path)

    assert "redirects to" in said
    assert "word" not in said
    assert other.requests == []


def test_redirect_inside_the_address_is_followed(tmp_path: Path) -> None:
    def answer(request: Request) -> bytes:
        if request.path == f"{FOLDER}/":
            return page("events.jsonl")
        if request.path == EVENTS:
            return response(b"", 302, Location="files/events.jsonl")
        return of_file(request, LOG) if request.path.endswith("/files/events.jsonl") else response(status=404)

    with answering(answer) as web:
        assert len(fetch(web.address, tmp_path).events) == 2


def test_redirect_to_a_named_host_is_followed_without_credentials(tmp_path: Path) -> None:
    with answering(lambda request: of_file(request, LOG)) as store:
        place = f"127.0.0.1:{store.port}"
        with answering(
            with_log(lambda _: response(b"", 302, Location=f"http://{place}/signed?key=1"))
        ) as web:
            address = web.address.replace("http://", "http://ann:pass-word@")
            run = fetch(address, tmp_path, RemoteLimits(redirect_hosts=frozenset({place})))

    assert len(run.events) == 2
    assert all(request.headers["authorization"] == "Basic YW5uOnBhc3Mtd29yZA==" for request in web.requests)
    assert store.requests
    assert not any(
        {"authorization", "cookie", "referer"} & set(request.headers) for request in store.requests
    )


def test_cookies_of_a_server_are_not_sent_back(tmp_path: Path) -> None:
    with answering(with_log(lambda request: of_file(request, LOG).replace(b"X\r\n", b"X\r\nSet-Cookie: a=b\r\n", 1))) as web:  # fmt: skip
        fetch(web.address, tmp_path)

    assert not any("cookie" in request.headers for request in web.requests)


@pytest.mark.parametrize("location", [EVENTS, "?again", "./events.jsonl#x"])
def test_circle_of_redirects_ends_after_a_few(location: str, tmp_path: Path) -> None:
    assert "more than 5 redirects" in refused(lambda _: response(b"", 302, Location=location), tmp_path)


# ── lengths ──


@pytest.mark.parametrize(
    "length", ["99999999999999", "5000000", "-5", "x", "1e3", "0x10", "9" * 400, "100, 200"]
)
def test_false_length_makes_no_file(length: str, tmp_path: Path) -> None:
    refused(lambda _: response(LOG, Content_Length=length), tmp_path)


def test_two_lengths_are_refused(tmp_path: Path) -> None:
    refused(lambda _: response(LOG, Content_Length="5\r\nContent-Length: 77"), tmp_path)


def test_false_length_of_parts_makes_no_file(tmp_path: Path) -> None:
    def answer(request: Request) -> bytes:
        if request.method == "HEAD":
            return response(b"", Content_Length="5000000")
        wanted = request.headers["range"].removeprefix("bytes=")
        return response(b"{", 206, Content_Range=f"bytes {wanted}/5000000")

    refused(answer, tmp_path)


def test_size_is_that_of_what_arrives(tmp_path: Path) -> None:
    def answer(request: Request) -> bytes:
        return response(b"", Content_Length="5000000") if request.method == "HEAD" else response(LOG)

    with answering(with_log(answer)) as web:
        run = fetch(web.address, tmp_path)

    assert len(run.events) == 2
    assert [file.stat().st_size for file in tmp_path.rglob("events.jsonl")] == [len(LOG)]


@pytest.mark.parametrize("length", ["", "0"])
def test_log_of_unknown_size_beside_others_is_downloaded(length: str, tmp_path: Path) -> None:
    def answer(request: Request) -> bytes:
        if request.path == f"{FOLDER}/":
            return page("cfg.json", "events.jsonl", "metrics.jsonl")
        if request.path == EVENTS:
            return response(b"", Content_Length=length) if request.method == "HEAD" else response(LOG)
        return of_file(request, b"" if "metrics" in request.path else b"{}")

    with answering(answer) as web:
        run = fetch(web.address, tmp_path)

    assert len(run.events) == 2


def test_size_of_an_artifact_is_proved_by_its_last_byte(tmp_path: Path) -> None:
    def answer(request: Request) -> bytes:
        if request.path == f"{FOLDER}/":
            return page("events.jsonl", "model.bin")
        if request.path == EVENTS:
            return of_file(request, LOG)
        return response(b"", Content_Length="99999999") if request.method == "HEAD" else response(b"", 416)

    with answering(answer) as web, pytest.raises(RunNotReadable, match="answered 416"):
        fetch(web.address, tmp_path)
    assert [file.stat().st_size for file in tmp_path.rglob("model.bin")] == [0]


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        ("bytes 5-9/78", LOG),
        ("bytes */78", LOG),
        ("", LOG),
        ("bytes 0-77/78", LOG + b"more than asked for"),
        ("bytes 0-77/78", LOG[:20]),
    ],
)
def test_part_other_than_requested_is_refused(sent: str, body: bytes, tmp_path: Path) -> None:
    def answer(request: Request) -> bytes:
        if request.method == "HEAD" or request.headers.get("range") == "bytes=0-0":
            return of_file(request, LOG)
        return response(body, 206, Content_Range=sent)

    assert len(LOG) == 78 or sent
    refused(answer, tmp_path)


def test_length_that_is_missing_is_that_of_what_arrives(tmp_path: Path) -> None:
    answer = with_log(lambda _: response(LOG, Content_Length=""))
    with answering(answer) as web:
        run = fetch(web.address, tmp_path)

    assert len(run.events) == 2
    (log,) = tmp_path.rglob("events.jsonl")
    assert log.read_bytes() == LOG


def _endless(head: bytes, block: bytes) -> Iterator[bytes]:
    yield head
    while True:
        yield block


@pytest.mark.parametrize("status", [200, 206])
@pytest.mark.parametrize("is_chunked", [True, False])
def test_body_without_end_is_cut_at_the_limit(status: int, *, is_chunked: bool, tmp_path: Path) -> None:
    def answer(request: Request) -> bytes | Iterator[bytes]:
        if request.method == "HEAD":
            return response(b"", Content_Length="78")
        headers = {"Transfer_Encoding": "chunked"} if is_chunked else {}
        block = b"10000\r\n" + b"x" * 65536 + b"\r\n" if is_chunked else b"x" * 65536
        asked = request.headers.get("range", "bytes=0-77").removeprefix("bytes=")
        head = response(b"", status, Content_Length="", Content_Range=f"bytes {asked}/78", **headers)
        return _endless(head, block)

    with (
        answering(with_log(answer)) as web,
        pytest.raises(RunNotReadable, match=r"cannot be fetched: .*more than"),
    ):
        fetch(web.address, tmp_path, RemoteLimits(max_bytes=1_000_000))
    assert [file.stat().st_size for file in tmp_path.rglob("*.jsonl")] == [0]


def test_file_over_the_limit_is_not_requested(tmp_path: Path) -> None:
    with (
        answering(with_log(lambda request: of_file(request, LOG * 1000))) as web,
        pytest.raises(RunNotReadable, match="more than 5,000 bytes; raise the limit with --max-bytes"),
    ):
        fetch(web.address, tmp_path, RemoteLimits(max_bytes=5000))
    ranges = {request.headers.get("range") for request in web.requests}
    assert ranges <= {None, "bytes=0-0"}


@pytest.mark.parametrize("is_chunked", [True, False])
def test_body_that_ends_too_early_is_an_error(*, is_chunked: bool, tmp_path: Path) -> None:
    def answer(request: Request) -> bytes:
        if request.method == "HEAD":
            return response(b"", Content_Length="78")
        if is_chunked:
            return response(b"", Content_Length="", Transfer_Encoding="chunked") + b"100\r\n{"
        return response(LOG[:30], Content_Length="78")

    assert "ended before" in refused(answer, tmp_path)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip"])
def test_compressed_body_is_refused_unread(encoding: str, tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    asked = refused(lambda _: response(bomb, Content_Encoding=encoding), tmp_path)

    assert "compresses" in asked


def test_compressed_body_is_not_asked_for(tmp_path: Path) -> None:
    with answering(with_log(lambda request: of_file(request, LOG))) as web:
        fetch(web.address, tmp_path)

    assert {request.headers["accept-encoding"] for request in web.requests} == {"identity"}


# ── time ──


def _wait_after(*blocks: bytes, released: threading.Event) -> Iterator[bytes]:
    yield from blocks
    released.wait(20)


@pytest.mark.parametrize(
    "sent",
    [
        [],
        [b"HTTP/1.1 200"],
        [b"HTTP/1.1 200 OK\r\nX-One: 1\r\n"],
        [response(b"", Content_Length="78")],
        [response(b"", Content_Length="78"), LOG[:40]],
    ],
    ids=["silent", "no status", "no end of head", "no body", "half a body"],
)
@pytest.mark.usefixtures("short_timeout")
def test_server_that_stops_answering_is_given_up(sent: list[bytes], tmp_path: Path) -> None:
    released = threading.Event()

    def answer(request: Request) -> bytes | Iterator[bytes]:
        is_head = request.method == "HEAD"
        return response(b"", Content_Length="78") if is_head else _wait_after(*sent, released=released)

    began = time.monotonic()
    try:
        assert "did not answer for" in refused(answer, tmp_path)
    finally:
        released.set()
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("in_head", [True, False])
@pytest.mark.usefixtures("short_timeout")
def test_server_that_sends_drop_by_drop_is_given_up(*, in_head: bool, tmp_path: Path) -> None:
    def drops() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\n" if in_head else response(b"", Content_Length="100000")
        for _ in range(200):
            time.sleep(0.05)
            yield b"X-Drop: 1\r\n" if in_head else b"x"

    def answer(request: Request) -> bytes | Iterator[bytes]:
        return response(b"", Content_Length="100000") if request.method == "HEAD" else drops()

    began = time.monotonic()
    said = refused(answer, tmp_path)

    assert "did not answer for" in said if in_head else "less than 10 kB a second" in said
    assert time.monotonic() - began < 10


# ── answers that are not files ──


@pytest.mark.parametrize("status", [401, 403, 407, 429, 500, 502, 503, 304, 300])
def test_answer_that_is_an_error_is_named(status: int, tmp_path: Path) -> None:
    assert f"answered {status}" in refused(lambda _: response(b"secret page", status), tmp_path)


def test_page_in_place_of_a_log_is_named(tmp_path: Path) -> None:
    login = b"<html><form>Please log in</form></html>"
    said = refused(lambda _: response(login, Content_Type="text/html; charset=utf-8"), tmp_path)

    assert "check whether it needs a login" in said


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\0" * 100,
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/9.9 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 200_000,
    ],
)
def test_answer_that_is_not_http_is_named(sent: bytes, tmp_path: Path) -> None:
    refused(lambda _: sent, tmp_path)


def test_page_for_every_path_is_no_run(tmp_path: Path) -> None:
    with (
        answering(lambda _: page("index.html")) as web,
        pytest.raises(RunNotReadable, match="contains no run"),
    ):
        fetch(web.address, tmp_path)


# ── listings ──

HOSTILE_LINKS = [
    "../../../../x.json",
    "..%2f..%2f..%2f..%2fx.json",
    "%2e%2e/%2e%2e/x.json",
    "..",
    "/etc/x.json",
    "//127.0.0.1:9/x.json",
    "http://127.0.0.1:9/x.json",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "x%00.json",
    "a%2Fb.json",
    "y" * 300 + ".json",
    "%2e%2e%2f" * 20 + "x.json",
    "?C=M;O=D",
    "\\..\\x.json",
    "http://[x/",
]


def test_hostile_links_of_a_listing_lead_nowhere(tmp_path: Path) -> None:
    def answer(request: Request) -> bytes:
        if request.path == f"{FOLDER}/":
            return page("events.jsonl", "E%1b%5d52%3bc%3b.json", "Events.jsonl", *HOSTILE_LINKS)
        is_ours = request.path.startswith(f"{FOLDER}/")
        return (
            of_file(request, LOG if request.path.endswith("events.jsonl") else b"{}")
            if is_ours
            else response(status=500)
        )

    with answering(answer) as web:
        run = fetch(web.address, tmp_path / "cache")

    assert len(run.events) == 2
    assert all(request.path.startswith(f"{FOLDER}/") for request in web.requests)
    inside = tmp_path / "cache" / "remote" / "http" / f"127.0.0.1:{web.port}" / FOLDER.strip("/")
    assert all(file.is_relative_to(inside) for file in tmp_path.rglob("*") if file.is_file() and ".held" not in file.parts)  # fmt: skip
    assert {file.name for file in inside.iterdir()} == {
        "events.jsonl",
        "Events.jsonl",
        "E\x1b]52;c;.json",
        "\\..\\x.json",
    }


def test_long_listing_is_cut_before_files_are_requested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("osiris_inspect.inspector.remote.web_folder.MAX_FILES", 50)
    links = [f"a{number}.json" for number in range(15_000)]

    def answer(request: Request) -> bytes:
        return (
            page(*links, "events.jsonl")
            if request.path == f"{FOLDER}/"
            else of_file(request, LOG if "events" in request.path else b"{}")
        )

    with answering(answer) as web:
        run = fetch(web.address, tmp_path)

    assert len(run.events) == 2
    assert sum(request.method == "HEAD" for request in web.requests) <= 60


def test_folders_within_themselves_end(tmp_path: Path) -> None:
    def answer(request: Request) -> bytes:
        if request.path.endswith("/"):
            return page("again/", "and-again/", *(["events.jsonl"] if request.path == f"{FOLDER}/" else []))
        return of_file(request, LOG) if request.path == EVENTS else response(status=404)

    with answering(answer) as web:
        run = fetch(web.address, tmp_path)

    assert len(run.events) == 2
    assert len(web.requests) < 1_100


def test_listing_without_end_is_an_error(tmp_path: Path) -> None:
    head = response(b"", Content_Length="", Content_Type="text/html")
    with (
        answering(lambda _: _endless(head, b'<a href="x">' * 5000)) as web,
        pytest.raises(RunNotReadable, match=r"cannot be fetched: .*more than"),
    ):
        fetch(web.address, tmp_path)


@pytest.mark.parametrize(
    "text", ["<a " * 500_000, "href=" * 400_000, "href='" * 300_000, "<!--" * 400_000, "&" * 1_000_000]
)
def test_listing_made_to_be_slow_is_read_at_once(text: str, tmp_path: Path) -> None:
    began = time.process_time()
    with (
        answering(lambda _: response(text.encode(), Content_Type="text/html")) as web,
        pytest.raises(RunNotReadable),
    ):
        fetch(web.address, tmp_path)
    assert time.process_time() - began < 3
