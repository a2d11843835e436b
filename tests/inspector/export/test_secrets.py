"""No secret in any output: known ones by their value in whatever form they travel, others by where they stand."""

import base64
import json
import shlex
from collections.abc import Callable
from functools import cache
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.export import format_names
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.model.redaction import MASK, Redactor, mask_by_pattern
from tests.inspector.export.accept import rendered
from tests.inspector.making import native, run_dir

SECRET = "hunter2Geheim99"
NASTY = "p@ss 'w\"o\\rd$1/ü&;"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
STANDING = {
    "url": f"mysql+pymysql://reader:{SECRET}@db:3306/movies",
    "url without a user": f"redis://:{SECRET}@cache:6379/0",
    "url with an at": f"postgres://u:p@{SECRET}@db/x",
    "go dsn": f"reader:{SECRET}@tcp(db:3306)/movies",
    "header": f"Authorization: Bearer {SECRET}",
    "header, token": f"authorization: token {SECRET}",
    "header in a dict": f"{{'Authorization': 'Basic {SECRET}'}}",
    "jwt": JWT,
    "keyword": f"password={SECRET}",
    "odbc": f"Server=db;Uid=a;Pwd={SECRET};Database=x",
    "jdbc": f"jdbc:mysql://h/db?user=u&password={SECRET}",
    "environment": f"PGPASSWORD={SECRET} AWS_SECRET_ACCESS_KEY={SECRET}",
    "json": f'{{"password": "{SECRET}"}}',
    "json in json": f'{{\\"api_key\\": \\"{SECRET}\\"}}',
    "dict": f"{{'client_secret': '{SECRET}'}}",
    "yaml": f"service_role_key: {SECRET}",
    "option": f"mysqldump --password {SECRET} movies",
    "sql": f"CREATE USER a IDENTIFIED BY '{SECRET}'",
    "azure storage": f"AccountName=a;AccountKey={SECRET}==;EndpointSuffix=x",
    "signed url": f"https://b.example/x?sv=1&sig={SECRET}%3D",
    "parameter of a url": f"GET https://b.example/x?from=2&key={SECRET}&to=3 failed",
    "github": f"ghp_{SECRET}{SECRET}",
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "key file": f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
}
HARMLESS = (
    "Access denied for user 'root'@'localhost' (using password: YES)",
    "the password: must not be empty",
    "primary_key: id",
    "token = tokens[i]",
    "key 'df' not found in outputs from step 'extract'",
    "secret: ${DB_PASSWORD}",
    "http://host:8080/path",
    "schema_hash=3f06e80036856c28",
    "step 'a' needs input 'df' from step 'b'",
)
FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json": lambda secret: json.dumps({"a": secret}),
    "json, not ascii": lambda secret: json.dumps({"a": secret}, ensure_ascii=False),
    "json in json": lambda secret: json.dumps(json.dumps({"a": secret})),
    "repr": repr,
    "url": lambda secret: quote(secret, safe=""),
    "form": quote_plus,
    "shell": shlex.quote,
    "shell, by backslash": lambda secret: "".join(
        sign if sign.isalnum() or sign in "@%+=:,./-_" else f"\\{sign}" for sign in secret
    ),
    "hex": lambda secret: secret.encode().hex(),
}


def leaks(text: str) -> bool:
    return SECRET in text or JWT.rpartition(".")[2] in text or "AKIAIOSFODNN7EXAMPLE" in text


@cache
def run_with(text: str, folder: Path) -> Report:
    events = [
        native("plan", 0, steps=[]),
        native("step_start", 1, step_id="extract", driver="x.extractor"),
        native(
            "output_stored", 2, step_id="extract", columns=[text], dtypes=[text], storage="memory", rows=1
        ),
        native("step_failed", 3, step_id="extract", error=f"cannot connect: {text}", traceback=text),
        native("run_end", 4, status="failed", error=text),
    ]
    config = {"password": SECRET, "path": text, "query": f"SELECT 1 -- {text}"}
    return analyze(
        run_dir(folder, events, files={"cfg/extract.json": config, "worker.log": f"ERROR {text}\n"})
    )


@pytest.mark.parametrize("format_", format_names())
@pytest.mark.parametrize("name", STANDING)
def test_a_secret_that_nobody_named_is_in_no_output(format_: str, name: str, tmp_path: Path) -> None:
    text = rendered(format_, run_with(STANDING[name], tmp_path))
    assert not leaks(text)


@pytest.mark.parametrize("name", STANDING)
def test_where_a_secret_stood_there_is_a_mask(name: str, tmp_path: Path) -> None:
    assert MASK in rendered("json", run_with(STANDING[name], tmp_path))


@pytest.mark.parametrize("name", STANDING)
def test_masking_again_changes_nothing(name: str) -> None:
    once = mask_by_pattern(STANDING[name])
    assert mask_by_pattern(once) == once


@pytest.mark.parametrize("text", HARMLESS)
def test_a_text_without_a_secret_stays_as_it_is(text: str) -> None:
    assert mask_by_pattern(text) == text


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", [SECRET, NASTY, "it's", "a b c d", "ünïcödé", "x" * 200])
def test_a_known_secret_is_masked_in_every_form_it_travels_in(form: str, secret: str) -> None:
    carried = FORMS[form](secret)
    masked = Redactor([secret]).redact_text(f"before {carried} after")
    assert MASK in masked
    assert carried not in masked
    assert masked.startswith("before ")
    assert masked.endswith(" after")


@given(st.binary(max_size=7), st.text(min_size=8, max_size=40), st.binary(max_size=7))
def test_a_known_secret_is_masked_in_base64_at_every_shift(before: bytes, secret: str, after: bytes) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        carried = encode(before + secret.encode("utf-8", "replace") + after).decode()
        assert MASK in Redactor([secret.encode("utf-8", "replace").decode()]).redact_text(carried)


def test_masking_keeps_the_shape_of_a_value() -> None:
    value = {"a": [SECRET, {"b": f"x{SECRET}y", SECRET: 1}], "c": None, "d": 2.5}
    assert Redactor([SECRET]).redact_value(value) == {
        "a": [MASK, {"b": f"x{MASK}y", MASK: 1}],
        "c": None,
        "d": 2.5,
    }
