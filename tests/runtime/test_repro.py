"""Repro bundles: what is in them, what is not, and that they fail as the run did."""

import base64
import io
import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.archives.archive import unpack
from osiris_inspect.model.errors import SettingsError
from osiris_inspect.runtime.pipeline.component import Component, ConfigKey
from osiris_inspect.runtime.replay.replay import ReplayHost, ReplayOptions
from osiris_inspect.runtime.replay.repro.clean_log import Cleaner
from osiris_inspect.runtime.replay.repro.foreign_replay import ForeignReplay
from osiris_inspect.runtime.replay.repro.known_texts import KnownTexts, known_texts
from osiris_inspect.runtime.replay.repro.leaks import find_known, find_values
from osiris_inspect.runtime.replay.repro.make_bundle import BundleOptions, ReproBundle, make_bundle
from osiris_inspect.runtime.replay.repro.reduce_inputs import ReduceOptions
from osiris_inspect.runtime.replay.repro.write_zip import read_zip, write_zip
from tests.runtime.capturing import CAPTURING, frame
from tests.runtime.faulty import REPO
from tests.runtime.runs import TRANSPORTS, make_run, needs
from tests.runtime.test_replay import FAILURES, SOURCE, duckdb_step, tree

SECRET = "s3cr3t Tok/en+77"
KNOWN = KnownTexts(
    (SECRET,),
    {"annabel": "user name", "build-host77": "host name", "/home/annabel": "home folder"},
)


# ── last search ──


def parquet(frame: pd.DataFrame, **options: Any) -> bytes:
    """Return a frame as a Parquet file."""
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame), out, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("worker.log", SECRET.encode(), "a secret"),
        ("events.jsonl", json.dumps({"a": [f"x{SECRET}x"]}).encode(), "a secret"),
        ("events.jsonl", json.dumps({"a": json.dumps(SECRET)}).encode(), "a secret"),
        ("worker.log", base64.b64encode(SECRET.encode()), "a secret"),
        ("worker.log", SECRET.encode().hex().encode(), "a secret"),
        ("a.parquet", parquet(pd.DataFrame({"a": [SECRET]})), "a secret"),
        ("a.parquet", parquet(pd.DataFrame({"a": [f"<{SECRET}>"] * 9}), compression="zstd"), "a secret"),
        ("a.parquet", parquet(pd.DataFrame({"a": [[SECRET]]})), "a secret"),
        ("a.parquet", parquet(pd.DataFrame({SECRET: [1]})), "a secret"),
        ("worker.log", b"by Annabel.", "the user name"),
        ("worker.log", b"cd /home/annabel/x", "the home folder"),
        ("cfg/a.json", b'{"query": "from build-host77.t"}', "the host name"),
        ("a.parquet", parquet(pd.DataFrame({"a": ["annabel@x"]}), compression="gzip"), "the user name"),
        ("cfg/annabel.json", b"{}", "the user name"),
    ],
)
def test_known_text_is_found(name: str, content: bytes, what: str) -> None:
    assert what in {hit.what for hit in find_known({name: content}, KNOWN)}


def test_other_texts_are_not_found() -> None:
    files = {
        "worker.log": b"annabella and s3cr3t Tok, build-host7",
        "a.parquet": parquet(pd.DataFrame({"a": ["annabella"]})),
    }
    assert list(find_known(files, KNOWN)) == []


FRAME = pd.DataFrame(
    {
        "name": ["Alice Smith", "it's", None],
        "id": [1234567, 12, 13],
        "amount": [98765.25, 1.0, None],
        "day": pd.to_datetime(["2021-03-04", "2021-03-05", None]),
        "items": [["nested one"], [], None],
        "raw": [b"raw bytes", b"", None],
        "ok": [True, False, True],
    }
)
OF_NAME = [
    ("events.jsonl", b'{"error": "cannot cast \'Alice Smith\' to INT"}'),
    ("events.jsonl", b'{"facts": {"cell": "Alice Smith"}}'),
    ("cfg/a.json", b'{"query": "WHERE n = \'Alice Smith\'"}'),
    ("manifest.yaml", b'{"accepted_values": ["Alice Smith"]}'),
    ("artifacts/a/output.parquet", parquet(pd.DataFrame({"z": ["Alice Smith"]}), compression="zstd")),
    ("artifacts/a/output.parquet", parquet(pd.DataFrame({"z": [["Alice Smith"]]}))),
    ("artifacts/a/schema.json", json.dumps({"type": base64.b64encode(b"\0\1'Alice Smith'\0" * 2).decode()}).encode()),
    ("worker.log", b"warning: 'Alice Smith'\n"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content"), OF_NAME)
def test_value_is_found_where_it_is(name: str, content: bytes) -> None:
    assert {(hit.column, hit.text) for hit in find_values({name: content}, {"df": FRAME}, ())} == {
        ("df.name", "Alice Smith")
    }
    for kept in ("name", "df.name"):
        assert list(find_values({name: content}, {"df": FRAME}, (kept,))) == []


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("id", "1234567"),
        ("amount", "98765.25"),
        ("day", "2021-03-04 00:00:00"),
        ("items", "nested one"),
        ("raw", "raw bytes"),
    ],
)
def test_value_of_every_type_is_found(column: str, text: str) -> None:
    log = json.dumps({"error": f"bad value '{text}' in row 1"}).encode()
    files = {"events.jsonl": log, "a.parquet": parquet(FRAME[[column]])}
    hits = {(hit.file, hit.column) for hit in find_values(files, {"df": FRAME}, ()) if hit.text == text}
    assert hits == {("events.jsonl", f"df.{column}"), ("a.parquet", f"df.{column}")}


def test_index_and_categories_are_searched() -> None:
    by_name = pd.DataFrame({"a": pd.Categorical(["shown"], categories=["shown", "only a category"])})
    by_name.index = pd.Index(["label of row"], name="who")
    files = {"worker.log": b"'label of row' 'only a category'"}
    assert {(hit.column, hit.text) for hit in find_values(files, {"df": by_name}, ())} == {
        ("df.index", "label of row"),
        ("df.a", "only a category"),
    }


def test_names_and_words_of_messages_are_no_hits() -> None:
    frame = pd.DataFrame({"word": ["failed", "abc"], "n": [1234, 7], "column": ["word", "films"]})
    events = [
        {"event": "step_failed", "status": "failed", "error": "step failed after 1234 rows: abc"},
        {"columns": ["word"], "pipeline": "films"},
    ]
    log = b"\n".join(json.dumps(event).encode() for event in events)
    public = frozenset({"word", "films"})
    assert list(find_values({"events.jsonl": log}, {"df": frame}, (), public)) == []


# ── cleaning ──


def test_texts_are_cleaned() -> None:
    cleaner = Cleaner(KNOWN, ["/logs/run_1"], {"/srv/pipelines": "<folder>"})
    text = (
        f"by Annabel on build-host77: /home/annabel/a.csv, /srv/pipelines/b, /logs/run_1/cfg/a.json, {SECRET}, annabella\n"
        f'  File "/opt/tools/steps.py", line 3, in run\n  File "{os.__file__}", line 1, in x\n  File "{pd.__file__}", line'
    )
    assert cleaner.text(text) == (
        "by <user name> on <host name>: ~/a.csv, <folder>/b, cfg/a.json, ***, annabella\n"
        '  File "<elsewhere>/steps.py", line 3, in run\n  File "<python>/os.py", line 1, in x\n'
        '  File "<packages>/site-packages/pandas/__init__.py", line'
    )


def test_log_names_only_variables_of_the_error() -> None:
    cleaner = Cleaner(KNOWN, [], {})
    event = {
        "event": "environment",
        "variables": ["HOME", "DB_URL"],
        "memory_bytes": 1,
        "python": "3.11",
    }
    content = json.dumps(event).encode() + b"\n"
    assert json.loads(cleaner.log(content, "DB_URL is not set")) == {
        "event": "environment",
        "variables": ["DB_URL"],
        "python": "3.11",
    }


# ── bundles ──

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/home/annabel",
    "USER": "annabel",
    "HOSTNAME": "build-host77",
    "API_TOKEN": SECRET,
}
HOST = ReplayHost(ENVIRONMENT, clock=lambda: 1.8e9, components=CAPTURING, transport=TRANSPORTS["sandbox"])


WHOLE = ReduceOptions((), is_masked=False)


def bundle_of(run: Path, **options: Any) -> ReproBundle:
    """Return the bundle of the step ``broken`` with its whole inputs, not masked."""
    needs("sandbox")
    return make_bundle(run, "broken", BundleOptions(WHOLE, **options), HOST)


def contents(bundle: ReproBundle) -> Mapping[str, bytes]:
    """Return the files of a bundle by their paths in the run directory."""
    return {name.partition("/")[2]: content for name, content in bundle.files.items()}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("failure", FAILURES)
def test_bundle_fails_as_its_run(tmp_path: Path, failure: str) -> None:
    first = make_run(tmp_path, text=FAILURES[failure], components=CAPTURING)
    before = tree(first.path)
    bundle = bundle_of(first.path)
    assert tree(first.path) == before
    write_zip(bundle.files, tmp_path / "x.zip")
    assert read_zip(tmp_path / "x.zip") == bundle.files
    (tmp_path / "opened").mkdir()
    unpack(tmp_path / "x.zip", tmp_path / "opened")
    (opened,) = (tmp_path / "opened").iterdir()
    report = analyze(opened)
    assert report.root_cause is not None
    assert (report.root_cause.step, str(report.run.status)) == ("broken", "failed")
    result = ForeignReplay(opened, "broken", ReplayOptions(logs=tmp_path / "again"), HOST).run()
    assert result.verdict is not None
    assert result.verdict.is_same


@pytest.mark.sampled(2)
@pytest.mark.parametrize("failure", sorted(FAILURES.keys() - {"memory"}))
def test_masked_bundle_holds_no_value(tmp_path: Path, failure: str) -> None:
    first = make_run(tmp_path, "sandbox", text=FAILURES[failure], components=CAPTURING)
    before = tree(first.path)
    made = make_bundle(first.path, "broken", BundleOptions(ReduceOptions(seconds=30, runs=60)), HOST)
    assert tree(first.path) == before
    files = contents(made)
    cells = [
        str(cell) for start in (0, 7) for column in ("value", "text") for cell in frame(3, start)[column]
    ]
    for name, content in files.items():
        texts = [content.decode("latin-1")]
        if name.endswith(".parquet"):
            texts += [str(pq.read_table(io.BytesIO(content)).to_pylist())]
        assert [cell for cell in cells for text in texts if cell in text] == [], name
    assert made.document["shrink"]["stopped_by"] is None
    assert set(made.document["masks"].values()) <= {"nothing", "constant"}


def test_failure_of_size_is_neither_shrunk_nor_masked(tmp_path: Path) -> None:
    first = make_run(tmp_path, text=FAILURES["memory"], components=CAPTURING)
    with pytest.raises(SettingsError) as caught:
        make_bundle(first.path, "broken", BundleOptions(ReduceOptions(seconds=30, runs=60)), HOST)
    assert str(caught.value).startswith("no mask keeps the failure of df.id ('0', '1', '2'), df.value ('")
    assert "--keep df.id --keep df.value --keep df.text" in str(caught.value)
    kept = BundleOptions(ReduceOptions(seconds=30, runs=60), frozenset({"id", "value", "text"}))
    made = make_bundle(first.path, "broken", kept, HOST)
    assert made.document["shrink"]["stopped_by"] == "size"
    assert made.document["kept"] == ["id", "text", "value"]


def test_bundle_holds_no_name_and_no_path(tmp_path: Path) -> None:
    first = make_run(tmp_path, text=FAILURES["SQL"], components=CAPTURING)
    files = contents(bundle_of(first.path, with_log=True))
    assert sorted(files) == [
        *("artifacts/_system/components.json", "artifacts/_system/run_card.json"),
        *("artifacts/broken/cleaned_config.json", "artifacts/early/output.parquet"),
        *("artifacts/early/schema.json", "cfg/broken.json", "cfg/early.json", "events.jsonl"),
        *("manifest.yaml", "metrics.jsonl", "original.json", "original_events.jsonl", "repro.json"),
        *("status.json", "worker.log"),
    ]
    for text in (str(tmp_path), str(Path(pd.__file__).parents[1]), f"{Path.home()}/", '"grants"'):
        assert [name for name, content in files.items() if text.encode() in content] == [], text
    document = json.loads(files["repro.json"])
    assert document["from"]["step"] == "broken"
    assert document["made"] == "2027-01-15T08:00:00+00:00"
    assert document["signature"]["type"] == "DriverError"
    assert sorted(document["files"]) == sorted(files.keys() - {"repro.json"})
    assert document["left_out"] == [
        {"path": "artifacts/_system/packages.json", "why": "it names every installed package"}
    ]
    original = json.loads(files["original.json"])
    assert [(step["id"], step["status"], step["rows"]) for step in original["steps"]] == [
        ("early", "succeeded", 2),
        ("broken", "failed", None),
    ]
    assert original["versions"]["packages"]["pandas"] == pd.__version__


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("SELECT nope, 'annabel' AS who FROM df", "the user name in "),
        ("SELECT nope FROM df -- build-host77", "the host name in "),
        (f"SELECT nope, '{SECRET}' FROM df", "a secret in "),
    ],
)
def test_text_of_configuration_is_not_given_away(tmp_path: Path, config: str, message: str) -> None:
    first = make_run(tmp_path, text=duckdb_step(config), components=CAPTURING)
    with pytest.raises(SettingsError) as caught:
        bundle_of(first.path)
    assert str(caught.value).startswith(f"the bundle would contain {message}"), caught.value
    assert SECRET not in str(caught.value)


def test_step_that_needs_more_than_frames_is_refused(tmp_path: Path) -> None:
    first = make_run(tmp_path, text=FAILURES["SQL"], components=CAPTURING)
    with pytest.raises(SettingsError, match=r"step 'early' of run_.* did not fail; name a step that failed"):
        make_bundle(first.path, "early", BundleOptions(), HOST)


def test_secrets_of_all_connections_are_known(tmp_path: Path) -> None:
    (tmp_path / "osiris_connections.yaml").write_text(
        "version: 1\nconnections:\n  mysql:\n    db: {host: db.corp.example, user: loader, password: '${DB_PASS}', database: x}\n"
    )
    (tmp_path / ".env").write_text("DB_PASS=hunter2hunter\nOTHER_TOKEN=tok-123456\n")
    first = make_run(tmp_path, text=FAILURES["SQL"], components=CAPTURING)
    from osiris_inspect.runtime.replay.earlier.earlier_pipeline import read_run

    known = known_texts(read_run(first.path), CAPTURING, ENVIRONMENT)
    assert {"hunter2hunter", "tok-123456", SECRET} <= set(known.secrets)
    assert known.names["db.corp.example"] == "host of mysql.db"
    assert known.names["/home/annabel"] == "home folder"


_STEPS = """\
from pathlib import Path
import socket

def can_connect(port):
    try:
        socket.create_connection(("127.0.0.1", int(port)), 1).close()
    except OSError:
        return False
    return True

class Fails:
    def run(self, *, step_id, config, inputs, ctx):
        count = can_connect(config["port"]) + Path(config["file"]).exists()
        raise ValueError(f"cannot continue: {count} are open")
"""


def test_code_of_bundle_runs_on_request_in_isolation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lib/film_steps").mkdir(parents=True)
    (tmp_path / "lib/film_steps/__init__.py").write_text("")
    (tmp_path / "lib/film_steps/steps.py").write_text(_STEPS)
    (tmp_path / "private.txt").write_text("mine")
    keys = tuple(ConfigKey(name, "text", "for tests") for name in ("file", "port", "path"))
    component = Component(
        "films.fails", "For tests.", "film_steps.steps:Fails",
        modes=("transform",), keys=keys, inputs="many", produces_frame=True,
    )  # fmt: skip
    own = {**CAPTURING, component.name: component}
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        config = f"{{file: {tmp_path}/private.txt, port: '{port}'}}"
        text = f"{SOURCE}  - {{id: broken, component: films.fails, needs: [early], config: {config}}}\n"
        first = make_run(tmp_path, text=text, components=own)
        environment = {**ENVIRONMENT, "PYTHONPATH": f"{REPO}:{tmp_path / 'lib'}"}
        made = make_bundle(
            first.path,
            "broken",
            BundleOptions(WHOLE, with_code=True),
            ReplayHost(environment, components=own),
        )
        files = contents(made)
        assert "2 are open" in (first.path / "events.jsonl").read_text()
        assert files["code/film_steps/steps.py"].decode() == _STEPS
        opened = tmp_path / "opened" / first.path.name
        for name, content in files.items():
            (opened / name).parent.mkdir(parents=True, exist_ok=True)
            (opened / name).write_bytes(content)
        host = ReplayHost({**ENVIRONMENT, "PYTHONPATH": str(REPO)}, components=CAPTURING)
        with pytest.raises(
            SettingsError, match=r"the component 'films.fails' of step 'broken' is not installed"
        ):
            ForeignReplay(opened, "broken", ReplayOptions(logs=tmp_path / "no"), host)
        monkeypatch.undo()
        for path in ("/etc/passwd", "../../private.txt", "~/x"):
            changed = ReplayOptions(logs=tmp_path / "no", code=opened / "code", changes={"path": path})
            with pytest.raises(
                SettingsError, match=r"step 'broken' \(films.fails\) reads or writes outside of"
            ):
                ForeignReplay(opened, "broken", changed, host)
        options = ReplayOptions(logs=tmp_path / "again", code=opened / "code")
        result = ForeignReplay(opened, "broken", options, host).run()
    assert str(result.verdict) == "same failure"
    assert "cannot continue: 0 are open" in str(result.error)
