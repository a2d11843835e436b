"""Which values of a connection are secrets, and that errors about them quote none."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from osiris_inspect.model.errors import PipelineError
from osiris_inspect.model.redaction import is_secret_key
from osiris_inspect.runtime.connections.connections import Connections, load_connections, resolve_connections
from osiris_inspect.runtime.connections.env_file import EnvironmentVariables
from osiris_inspect.runtime.pipeline.builtin_components import all_components
from osiris_inspect.runtime.pipeline.compiler import compile_pipeline
from osiris_inspect.runtime.proxy.secret_names import names_among

WORD = "Zq7kTrv9PxLm"
_SECRET = """
    password PASSWORD Password passwd pass pwd pw passphrase passcode secret token key apikey api_key api-key apiKey
    x-api-key X-API-Key clientSecret client_secret client-secret secret_key secretKey secretkey accessKey access_key
    aws_secret_access_key aws_access_key_id account_key accountKey AccountKey private_key privateKey ssh_key
    signing_key encryption_key master_key shared_key storage_key subscription_key consumer_key consumer_secret
    app_key application_key auth_key service_key service_role_key anon_key license_key fernet_key hmac_key rsa_key
    session_key webhook_key sslpassword ssl_password PGPASSWORD MYSQL_PWD DB_PASS DB_PW dbpass dbPassword userPassword
    root_password password1 password_2 access_token accessToken refresh_token refreshToken auth_token authtoken
    bearer_token bearer id_token sas_token sas jwt session_token personal_access_token github_token credentials
    credential creds authorization Authorization proxy-authorization cookie Cookie set-cookie cookies dsn pg_dsn
    sql_url connection_string connectionString connectionstring conn_str basic_auth proxy_auth webhook_url hmac
    passkey keystorePassword trust-store-password snowflake_private_key_passphrase secret_id OAUTH_CLIENT_SECRET
    smtp.password spring.datasource.password my_secret top-secret secrets passwords vaultToken
"""
SECRET_NAMES = _SECRET.split()
_PUBLIC = """
    host hostname port user username database db schema region bucket path role warehouse table project account catalog
    sslmode charset timeout primary_key foreign_key sort_key partition_key key_column keys monkey keyboard tokens_used
    max_tokens tokenizer token_url password_file passenger passport compass bypass secretary authorize author cookbook
    description url endpoint query
"""
PUBLIC_NAMES = _PUBLIC.split()


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_name_of_secret_is_recognized(name: str) -> None:
    assert is_secret_key(name)


@pytest.mark.parametrize("name", PUBLIC_NAMES)
def test_other_name_is_not_secret(name: str) -> None:
    assert not is_secret_key(name)


def secrets_of(folder: Path, values: str, variables: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return the secrets of a connection of MySQL with these values in YAML."""
    file = folder / "osiris_connections.yaml"
    file.write_text(f"connections: {{mysql: {{c: {values}}}}}\n")
    loaded = load_connections(file, EnvironmentVariables(variables or {}))
    return loaded.resolve("mysql", "c", {"table", "charset"})[1]


@pytest.mark.parametrize(
    "values",
    [
        "{url: 'mysql://u:Zq7kTrv9PxLm@h/db'}",
        "{url: 'mysql://u:Zq7kTrv9%50xLm@h/db'}",
        "{url: 'https://Zq7kTrv9PxLm@h/db'}",
        "{address: 'Server=h;Uid=u;Pwd=Zq7kTrv9PxLm;'}",
        "{storage: 'AccountName=a;AccountKey=Zq7kTrv9PxLm;EndpointSuffix=x'}",
        "{libpq: \"host=h password='Zq7kTrv9PxLm' user=u\"}",
        "{header: 'Authorization: Bearer Zq7kTrv9PxLm'}",
        "{headers: {Authorization: 'Basic dTpacTdrVHJ2OVB4TG0='}}",
        "{options: {password: Zq7kTrv9PxLm}}",
        "{options: [{a: {clientSecret: Zq7kTrv9PxLm}}]}",
        "{secrets: [Zq7kTrv9PxLm]}",
        "{credentials: {any: Zq7kTrv9PxLm}}",
        "{addr: '${X}'}",
        "{addr: '${UNSET:-Zq7kTrv9PxLm}'}",
        "{addr: 'prefix-${X}-suffix'}",
        "{options: {deep: ['${X}']}}",
        "{host: '${HOST_PASSWORD}'}",
        "{url: 'mysql://u:${X}@h/db'}",
        "{port: Zq7kTrv9PxLm_}",
    ],
)
def test_value_is_secret(tmp_path: Path, values: str) -> None:
    variables = {"X": WORD, "HOST_PASSWORD": WORD}
    if "port" in values:
        with pytest.raises(PipelineError, match="port must be a number"):
            secrets_of(tmp_path, values, variables)
        return
    assert WORD in secrets_of(tmp_path, values, variables)


@pytest.mark.parametrize(
    "values",
    [
        "{host: '${X}'}",
        "{dbUser: '${X}'}",
        "{database: '${X}', port: '${PORT}'}",
        "{table: '${X}'}",
        "{charset: '${X}'}",
        "{url: 'https://h:80/${HOST}'}",
        "{addr: '${X}', not_secret: [addr]}",
        "{options: {password: Zq7kTrv9PxLm}, not_secret: [options]}",
        "{url: 'mysql://Zq7kTrv9PxLm@h/db'}",
        "{plain: Zq7kTrv9PxLm}",
    ],
)
def test_value_is_public(tmp_path: Path, values: str) -> None:
    assert secrets_of(tmp_path, values, {"X": WORD, "PORT": "3306", "HOST": WORD}) == ()


def test_public_keys_come_from_components(tmp_path: Path) -> None:
    pipeline = (
        "oml_version: '0.1.0'\nname: p\nsteps:\n"
        "  - {id: a, component: mysql.extractor, config: {connection: '@mysql.c', query: SELECT 1}}\n"
    )
    file = tmp_path / "osiris_connections.yaml"
    file.write_text(
        "connections: {mysql: {c: {database: d, user: u, charset: '${CHARSET}', ssl_key: '${X}'}}}\n"
    )
    loaded = load_connections(file, EnvironmentVariables({"CHARSET": "utf8mb4-any", "X": WORD}))
    components = all_components()
    resolved = resolve_connections(compile_pipeline(pipeline, "p.yaml", components), components, loaded)
    assert resolved.secrets == (WORD,)
    assert resolved.secrets_by_step == {"a": (WORD,)}


def test_not_secret_must_be_list(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="not_secret must be a list of keys"):
        secrets_of(tmp_path, "{host: h, not_secret: host}")


def test_variables_in_nested_values_are_substituted(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("connections: {mysql: {c: {options: {a: ['${X}']}}}}\n")
    values, _ = load_connections(file, EnvironmentVariables({"X": WORD})).resolve("mysql", "c")
    assert values == {"options": {"a": [WORD]}}


@pytest.mark.parametrize(
    ("value", "way_out"),
    [
        (
            "*Zq7kTrv9PxLm",
            r"c.yaml:1:37: invalid YAML: undefined alias; put a value that begins with \* in quotes",
        ),
        (
            "!Zq7kTrv9PxLm x",
            "c.yaml:1:37: invalid YAML: undefined tag; put a value that begins with ! in quotes",
        ),
        ("[&Zq7kTrv9PxLm a, &Zq7kTrv9PxLm b]", "c.yaml:1:"),
        ("!!int Zq7kTrv9PxLm", "c.yaml:1:37: cannot be read"),
        ("@Zq7kTrv9PxLm", "c.yaml:1:37: invalid YAML"),
        ('"Zq7kTrv9PxLm\\k"', "c.yaml:1:5"),
        ("x, port: Zq7kTrv9PxLm", "port must be a number"),
    ],
)
def test_error_in_connections_quotes_no_value(tmp_path: Path, value: str, way_out: str) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(f"connections: {{mysql: {{c: {{password: {value}}}}}}}\n")
    with pytest.raises(PipelineError, match=way_out) as caught:
        load_connections(file, EnvironmentVariables({})).resolve("mysql", "c")
    assert WORD not in str(caught.value)


@pytest.mark.parametrize("value", ["'${X:-Zq7kTrv9PxLm}'", "Zq7kTrv9PxLm", "{a: Zq7kTrv9PxLm}"])
def test_list_of_connections_shows_no_secret(tmp_path: Path, value: str) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(f"connections: {{mysql: {{c: {{password: {value}, host: h}}}}}}\n")
    shown = load_connections(file, EnvironmentVariables({})).masked("mysql", "c")
    assert WORD not in str(shown)
    assert shown["host"] == "h"


def test_names_of_run_are_found_among_secrets() -> None:
    pipeline = (
        "oml_version: '0.1.0'\nname: movies\nsteps:\n"
        "  - {id: load_movies, component: filesystem.csv_extractor, config: {path: data/films.csv}}\n"
        "  - {id: stats, component: duckdb.processor, config: {query: \"SELECT revenue FROM df WHERE a = 'quoted1234'\"}}\n"
    )
    compiled = compile_pipeline(pipeline, "p.yaml", all_components())
    words = (
        "load_movies",
        "load_mov",
        "extractor",
        "films.csv",
        "revenue",
        "database",
        "hunter2x",
        "quoted1234",
    )
    assert names_among(words, compiled, Connections()) == words[:6]
