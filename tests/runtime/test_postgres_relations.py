"""What the PostgreSQL writer says of relations that are no ordinary tables is true."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris_inspect.base.near_names import near_names
from osiris_inspect.model.errors import DriverError
from tests.runtime.driving import context, drive, handed
from tests.runtime.servers.postgres import Postgres


@pytest.fixture(autouse=True)
def relations(postgres: Postgres) -> None:
    postgres.run(
        "DROP SCHEMA IF EXISTS rel CASCADE",
        "DROP SCHEMA IF EXISTS elsewhere CASCADE",
        "CREATE SCHEMA rel",
        "CREATE SCHEMA elsewhere",
        "CREATE TABLE rel.gen (id int PRIMARY KEY, a int, b int GENERATED ALWAYS AS (a * 2) STORED)",
        "CREATE TABLE rel.ident (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int)",
        "CREATE TABLE rel.base (id int PRIMARY KEY, a int)",
        "CREATE VIEW rel.v AS SELECT id, a FROM rel.base",
        "CREATE MATERIALIZED VIEW rel.mv AS SELECT 1 AS a",
        "CREATE SEQUENCE rel.sq",
        "CREATE TABLE rel.later (id int UNIQUE DEFERRABLE)",
        "CREATE TABLE rel.some (id int)",
        "CREATE UNIQUE INDEX some_id ON rel.some (id) WHERE id > 0",
        "CREATE TABLE elsewhere.t (id int)",
    )


def failure(postgres: Postgres, folder: Path, columns: dict[str, Any], **config: Any) -> DriverError:
    settled = {"schema": "rel", "resolved_connection": postgres.connection, **config}
    with pytest.raises(DriverError) as caught:
        drive("postgres.writer", settled, context(folder), df=handed(folder, pa.table(columns)))
    assert caught.value.facts["rows_written"] == 0
    return caught.value


UPSERT = {"write_mode": "upsert", "primary_key": "id"}


@pytest.mark.parametrize("mode", [{}, UPSERT])
def test_generated_column_is_not_called_missing(
    postgres: Postgres, tmp_path: Path, mode: dict[str, str]
) -> None:
    error = failure(postgres, tmp_path, {"id": [1], "a": [1], "b": [2]}, table="gen", **mode)
    assert (error.kind, error.facts["column"]) == ("value-refused", "b")
    assert "is generated" in error.message
    assert error.fix == "leave it out of the frame"


def test_identity_column_that_is_always_generated_is_left_out(postgres: Postgres, tmp_path: Path) -> None:
    error = failure(postgres, tmp_path, {"id": [1], "a": [1]}, table="ident", **UPSERT)
    assert error.kind == "value-refused"
    assert (error.fix or "").startswith("leave the column out")


def test_view_takes_rows_and_has_no_constraint(postgres: Postgres, tmp_path: Path) -> None:
    settled = {"schema": "rel", "table": "v", "resolved_connection": postgres.connection}
    frame = handed(tmp_path, pa.table({"id": [1], "a": [1]}))
    assert drive("postgres.writer", settled, context(tmp_path), df=frame) == {"rows_written": 1}
    error = failure(postgres, tmp_path, {"id": [1], "a": [1]}, table="v", **UPSERT)
    assert error.kind == "constraint-missing"
    assert "is a view" in error.message
    assert "add a unique constraint" not in (error.fix or "")


@pytest.mark.parametrize(
    ("table", "what"), [("mv", "a materialized view"), ("sq", "a sequence"), ("base_pkey", "an index")]
)
@pytest.mark.parametrize("create", [True, False])
def test_relation_that_takes_no_rows_is_named(
    postgres: Postgres, tmp_path: Path, table: str, what: str, *, create: bool
) -> None:
    error = failure(postgres, tmp_path, {"a": [1]}, table=table, create_if_missing=create)
    assert error.kind == "config-value-invalid"
    assert f"rel.{table} is {what}" in error.message


@pytest.mark.parametrize("table", ["later", "some"])
def test_constraint_that_no_upsert_can_use_is_named(postgres: Postgres, tmp_path: Path, table: str) -> None:
    error = failure(postgres, tmp_path, {"id": [1]}, table=table, **UPSERT)
    assert error.kind == "constraint-missing"
    assert "deferrable or partial" in error.message


def test_table_of_another_schema_is_named(postgres: Postgres, tmp_path: Path) -> None:
    error = failure(postgres, tmp_path, {"id": [1]}, table="t")
    assert (error.kind, error.facts["found_schema"]) == ("table-missing", "elsewhere")
    assert (error.fix or "").startswith("set schema: elsewhere")


@pytest.mark.parametrize("create", [True, False])
def test_name_of_a_system_column_is_refused(postgres: Postgres, tmp_path: Path, *, create: bool) -> None:
    error = failure(postgres, tmp_path, {"xmin": [1]}, table="new", create_if_missing=create)
    assert (error.kind, error.fix) == ("frame-refused", "rename it in an earlier step")


def test_name_that_differs_in_case_is_the_nearest() -> None:
    assert near_names("CITY", ["CITE", "City"]) == ["City"]
