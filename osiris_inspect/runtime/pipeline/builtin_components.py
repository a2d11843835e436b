"""Built-in components, and the components of installed packages."""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata
from typing import Any, Final

from osiris_inspect.model.errors import SettingsError
from osiris_inspect.runtime.pipeline.component import GROUP, Component, ConfigKey


def _ignored_keys(*names: str) -> tuple[ConfigKey, ...]:
    """Return keys that are accepted from pipelines of the original Osiris and have no effect."""
    description = "accepted for compatibility with Osiris; ignored"
    return tuple(ConfigKey(name, "text", description, ignored=True) for name in names)


_ENCODING = ConfigKey("encoding", "encoding", "encoding of the file", default="utf-8")
_ONE_CHARACTER: Final = (
    r'[^"\r\n]',
    'one character other than a quote; write a tab as "\\t" in double quotes',
)
_SIGN: Final = r"[!-/:-@\[-`{-~]"
_DELIMITER_IN = ConfigKey(
    "delimiter",
    "text",
    r"field separator, one character; \s+ is any whitespace; auto: comma, semicolon, tab or |, whichever splits the header and most of the first lines",
    default="auto",
    pattern=(
        r'[^"\r\n\x80-\U0010ffff]|\\s\+|auto',
        r"one ASCII character other than a quote, or \s+ for any whitespace",
    ),
)
_DELIMITER_OUT = ConfigKey(
    "delimiter", "text", "field separator, one character", default=",", pattern=_ONE_CHARACTER
)
_COLUMNS = ConfigKey("columns", "list", "columns to read, in this order; default: all")
_PATH_IN = ConfigKey("path", "texts", "file, pattern such as data/*.csv, or list of them", required=True)
_PATH_OUT = ConfigKey(
    "path", "text", "file; a relative path starts at the folder of the pipeline", required=True
)
_CREATE_DIRS = ConfigKey("create_dirs", "switch", "create missing directories", default=True)
_MULTIPLE_INPUTS_KEY = ConfigKey(
    "on_several_inputs",
    "text",
    "how to combine several inputs: append = concatenate rows; default: error",
    choices=("append",),
)
_INDEX_KEY = ConfigKey(
    "index",
    "text",
    "named index of a pandas frame: keep = its levels are columns, drop = leave it out",
    default="keep",
    choices=("keep", "drop"),
)
_QUERY_TIMEOUT = ConfigKey("query_timeout", "number", "time limit of the query, in seconds", minimum=0.001)
_CONNECT_TIMEOUT = ConfigKey(
    "connect_timeout", "whole", "time limit of connecting, in seconds", default=10, minimum=1
)
_SQLITE_PATH = ConfigKey(
    "path",
    "text",
    "SQLite file, relative to the working directory; a connection of the family sqlite has the key path instead",
    instead_of="connection",
)
_LOCK_TIMEOUT = ConfigKey(
    "lock_timeout",
    "number",
    "time to wait for another program that locks the file, in seconds",
    default=5,
    minimum=0,
)
_BATCH_CAPABILITY = "reads in batches: the client library needs little memory beyond the frame"
_TYPES_CAPABILITY = "column types come from the declared types, also for 0 rows"

_WRITER_KEYS = (
    ConfigKey("table", "text", "table to write to", required=True),
    ConfigKey("schema", "text", "schema of the table", default="public"),
    ConfigKey(
        "write_mode",
        "text",
        "append (or insert): add rows; upsert: update rows whose key exists; replace: replace all rows of the table",
        default="append",
        choices=("append", "insert", "upsert", "replace"),
    ),
    ConfigKey(
        "primary_key",
        "texts",
        "column or columns that identify a row",
        required_when=("write_mode", ("upsert", "replace")),
    ),
    ConfigKey(
        "on_duplicate_keys",
        "text",
        "how to handle input rows with the same key: error, or keep the last",
        default="error",
        choices=("error", "last"),
    ),
    ConfigKey(
        "create_if_missing", "switch", "create a missing table from the columns of the input", default=False
    ),
    _CONNECT_TIMEOUT,
    ConfigKey("statement_timeout", "number", "time limit of one statement, in seconds", minimum=0.001),
    _MULTIPLE_INPUTS_KEY,
    _INDEX_KEY,
)


_PUBLIC_KEYS: Final = (
    *("account", "application_name", "base_dir", "catalog", "charset", "connect_timeout", "path", "project"),
    *("rest_url", "ssl_ca", "ssl_mode", "sslmode", "sslrootcert", "table", "timeout", "unix_socket"),
)
"""Keys of connections whose values are not secrets."""


def _extractor(**fields: Any) -> Component:
    return Component(
        modes=("read",),
        inputs="none",
        produces_frame=True,
        repeatable=True,
        **{"not_secret": _PUBLIC_KEYS, **fields},
    )


def _writer(**fields: Any) -> Component:
    """Return a writer; one of a database can be repeated if it replaces what has its keys, one of a file always."""
    is_database = any(key.name == "write_mode" for key in fields["keys"])
    defaults = {
        "not_secret": _PUBLIC_KEYS,
        "repeatable": ("write_mode", ("upsert", "replace")) if is_database else True,
    }
    return Component(modes=("write",), inputs="one", produces_frame=False, **{**defaults, **fields})


BUILT_IN: Final = (
    _extractor(
        name="filesystem.csv_extractor",
        thread_safe=True,
        summary="Reads CSV files.",
        driver="osiris_inspect.runtime.drivers.csv.driver:CsvExtractor",
        keys=(
            _PATH_IN,
            _DELIMITER_IN,
            _ENCODING,
            ConfigKey("header", "switch", "the first line contains the column names", default=True),
            _COLUMNS,
            ConfigKey("skip_rows", "whole", "lines to skip before the header", minimum=0),
            ConfigKey("limit", "whole", "maximum number of rows to read", minimum=0),
            ConfigKey(
                "on_bad_lines",
                "text",
                "how to handle a line with more fields than the header; warn and skip leave it out, count it, and record it in rejected_rows.csv",
                choices=("error", "warn", "skip"),
            ),
            ConfigKey("na_values", "list", "extra strings read as missing"),
            ConfigKey(
                "keep_default_na",
                "switch",
                "false: read NA, N/A, null, nan, None etc. as text; only empty fields are missing",
            ),
            ConfigKey(
                "dtype",
                "map",
                "pandas type by column; for example, {month: int} reads 01 as a number",
            ),
            ConfigKey(
                "parse_dates",
                "list or switch",
                "columns to read as timestamps, with the month first in 01/02/2024; true: every column of ISO 8601 text",
            ),
            ConfigKey(
                "compression",
                "text",
                "compression of the file",
                choices=("infer", "gzip", "bz2", "zip", "xz", "zstd", "none"),
            ),
            ConfigKey("comment", "text", "character that starts a comment", pattern=_ONE_CHARACTER),
            ConfigKey(
                "quote",
                "text",
                "sign around fields that contain the delimiter or a line break; none: quotes are text",
                default='"',
                pattern=(f"{_SIGN}|none", "one ASCII sign such as \" or ', or none"),
                differs_from=("delimiter",),
            ),
            ConfigKey(
                "escape",
                "text",
                "sign before a quote or delimiter that is text, such as a backslash; a doubled quote is always one quote",
                pattern=(_SIGN, "one ASCII sign such as a backslash"),
                differs_from=("delimiter", "quote"),
            ),
            ConfigKey(
                "decimal",
                "text",
                "decimal separator of numbers",
                default=".",
                pattern=("[.,]", "a point or a comma"),
            ),
            ConfigKey(
                "thousands",
                "text",
                "separator of groups of three digits: a point, comma, apostrophe, underscore or space (any space, no-break ones included)",
                pattern=("[., '\u2019_]", "a point, comma, apostrophe, underscore or space"),
                differs_from=("decimal",),
            ),
            ConfigKey("file_column", "text", "name of an added column with the file of each row"),
            *_ignored_keys("chunk_size", "skip_blank_lines"),
        ),
        requires=("pandas",),
        family="filesystem",
        connection="optional",
        capabilities=(
            "reads all files that match a pattern, sorted by name, as one file; their columns must be the same",
            "integers stay exact, also with missing values; a column with a number beyond 64 bits becomes text",
            "a column with leading zeros (00123), or of digits with an E (12E45678), is text unless dtype says otherwise",
            "a column of numbers with thousands is text if the separators of one value are not between groups of three digits",
            "lines that on_bad_lines leaves out are recorded in artifacts/<step>/rejected_rows.csv with their line number",
            "short lines are filled with missing values; the second column with the same name is renamed to name.1",
            "a connection of the family filesystem sets base_dir, the directory that paths are relative to",
        ),
        example="- id: read-movies\n  component: filesystem.csv_extractor\n  config:\n    path: data/movies.csv\n",
    ),
    _writer(
        name="filesystem.csv_writer",
        thread_safe=True,
        summary="Writes its input to a CSV file, atomically and in the order of the columns.",
        driver="osiris_inspect.runtime.drivers.csv.driver:CsvWriter",
        keys=(
            _PATH_OUT,
            _DELIMITER_OUT,
            _ENCODING,
            ConfigKey("header", "switch", "write the column names", default=True),
            ConfigKey("newline", "text", "line ending", default="lf", choices=("lf", "crlf")),
            _CREATE_DIRS,
            ConfigKey(
                "quoting",
                "text",
                "which fields are quoted",
                default="minimal",
                choices=("minimal", "all", "nonnumeric", "none"),
            ),
            ConfigKey("na_rep", "text", "text written for missing values"),
            ConfigKey(
                "binary",
                "text",
                "how bytes are written",
                default="base64",
                choices=("base64", "hex"),
            ),
            _MULTIPLE_INPUTS_KEY,
            _INDEX_KEY,
            *_ignored_keys("chunk_size"),
        ),
        requires=("pandas",),
        family="filesystem",
        connection="optional",
        capabilities=("replaces the old file only when the new one is complete and synced",),
        example="- id: write-stats\n  component: filesystem.csv_writer\n  needs: [compute-stats]\n"
        "  config:\n    path: out/stats.csv\n",
    ),
    _extractor(
        name="filesystem.parquet_extractor",
        thread_safe=True,
        summary="Reads Parquet files.",
        driver="osiris_inspect.runtime.drivers.parquet:ParquetExtractor",
        keys=(_PATH_IN, _COLUMNS),
        requires=("pyarrow",),
        family="filesystem",
        connection="optional",
        capabilities=(
            "reads all files that match a pattern, sorted by name; their columns must be the same",
        ),
        example="- id: read-movies\n  component: filesystem.parquet_extractor\n  config:\n    path: data/movies.parquet\n",
    ),
    _writer(
        name="filesystem.parquet_writer",
        thread_safe=True,
        summary="Writes its input to a Parquet file, atomically.",
        driver="osiris_inspect.runtime.drivers.parquet:ParquetWriter",
        keys=(
            _PATH_OUT,
            ConfigKey(
                "compression",
                "text",
                "compression of the file",
                default="zstd",
                choices=("zstd", "lz4", "snappy", "none"),
            ),
            _CREATE_DIRS,
            _MULTIPLE_INPUTS_KEY,
            _INDEX_KEY,
        ),
        requires=("pyarrow",),
        family="filesystem",
        connection="optional",
        capabilities=(
            "writes in batches; replaces the old file only when the new one is complete and synced",
        ),
        example="- id: write-stats\n  component: filesystem.parquet_writer\n  needs: [compute-stats]\n"
        "  config:\n    path: out/stats.parquet\n",
    ),
    Component(
        name="duckdb.processor",
        thread_safe=True,
        summary="Runs SQL on its inputs; outputs the last statement's result.",
        driver="osiris_inspect.runtime.drivers.duckdb:DuckdbProcessor",
        modes=("transform",),
        repeatable=("allow_external", (False, None)),
        keys=(
            ConfigKey(
                "query",
                "text",
                "SQL; a single input is the table input_df, each input is also df_<upstream step>",
                required=True,
            ),
            ConfigKey("allow_external", "switch", "allow the SQL to read and write files", default=False),
            ConfigKey("memory_limit", "text", "memory limit of DuckDB, e.g. 2GB"),
            ConfigKey("threads", "whole", "maximum number of DuckDB threads", minimum=1),
            _INDEX_KEY,
        ),
        inputs="many",
        produces_frame=True,
        requires=("duckdb", "pyarrow"),
        capabilities=(
            "reads spilled inputs directly from their files",
            "runs several statements separated by semicolons; later ones see tables created by earlier ones",
        ),
        example="- id: compute-stats\n  component: duckdb.processor\n  needs: [read-movies]\n  config:\n"
        "    query: SELECT director, count(*) AS movies FROM input_df GROUP BY director\n",
    ),
    _extractor(
        name="mysql.extractor",
        summary="Runs a query on MySQL or MariaDB and outputs its rows.",
        driver="osiris_inspect.runtime.drivers.mysql.driver:MysqlExtractor",
        keys=(
            ConfigKey("query", "text", "one SQL statement that returns rows", required=True),
            _QUERY_TIMEOUT,
            _CONNECT_TIMEOUT,
            ConfigKey(
                "tinyint1",
                "text",
                "type of TINYINT(1): number (exact for every value) or switch (0 is false, others are true)",
                default="number",
                choices=("number", "switch"),
            ),
            ConfigKey(
                "time",
                "text",
                "type of TIME: text as MySQL writes it, also beyond a day, or duration",
                default="text",
                choices=("text", "duration"),
            ),
            ConfigKey(
                "zero_dates",
                "text",
                "how to read 0000-00-00: as an error, as null, or the whole column as text",
                default="error",
                choices=("error", "null", "text"),
            ),
            ConfigKey(
                "wide_decimals",
                "text",
                "decimals with more than 38 digits: exact (text in SQL), fit (38 digits, more is an error), "
                "auto (exact for a column of a table, fit for a computed column)",
                default="auto",
                choices=("auto", "exact", "fit"),
            ),
            *_ignored_keys(
                "batch_size", "echo", "pool_size", "pool_recycle", "schema", "offset", "host", "port"
            ),
        ),
        requires=("pymysql", "pyarrow"),
        extra="mysql",
        family="mysql",
        connection="required",
        capabilities=(
            _BATCH_CAPABILITY,
            _TYPES_CAPABILITY,
            "sends the query unchanged: % is not a placeholder",
        ),
        example='- id: extract-movies\n  component: mysql.extractor\n  config:\n    connection: "@mysql.db_movies"\n'
        "    query: SELECT title, director FROM movies\n",
    ),
    _extractor(
        name="postgres.extractor",
        summary="Runs a query on PostgreSQL and outputs its rows.",
        driver="osiris_inspect.runtime.drivers.postgres.driver:PostgresExtractor",
        keys=(
            ConfigKey("query", "text", "one SQL statement that returns rows", required=True),
            _QUERY_TIMEOUT,
            _CONNECT_TIMEOUT,
            ConfigKey(
                "numeric",
                "text",
                "type of NUMERIC without a declared precision: text (exact) or float",
                default="text",
                choices=("text", "float"),
            ),
        ),
        requires=("psycopg", "pyarrow"),
        extra="postgres",
        family="postgres",
        connection="required",
        capabilities=(_BATCH_CAPABILITY, _TYPES_CAPABILITY),
        example='- id: extract-movies\n  component: postgres.extractor\n  config:\n    connection: "@postgres.main"\n'
        "    query: SELECT title, director FROM movies\n",
    ),
    _writer(
        name="postgres.writer",
        summary="Writes its input to a PostgreSQL table, in one transaction.",
        driver="osiris_inspect.runtime.drivers.postgres.driver:PostgresWriter",
        keys=_WRITER_KEYS,
        requires=("psycopg", "pyarrow"),
        extra="postgres",
        family="postgres",
        connection="required",
        capabilities=(
            "atomic: a failed write leaves the table unchanged",
            "rows_written is the row count reported by the server",
        ),
        example="- id: write-stats\n  component: postgres.writer\n  needs: [compute-stats]\n  config:\n"
        '    connection: "@postgres.main"\n    table: director_stats\n    write_mode: upsert\n    primary_key: [director]\n',
    ),
    _extractor(
        name="sqlite.extractor",
        thread_safe=True,
        summary="Runs a query on a SQLite file, or reads a table of it, and outputs the rows.",
        driver="osiris_inspect.runtime.drivers.sqlite.driver:SqliteExtractor",
        keys=(
            _SQLITE_PATH,
            ConfigKey("query", "text", "one SQL statement that returns rows", instead_of="table"),
            ConfigKey("table", "text", "table or view of which all rows are read"),
            ConfigKey(
                "types",
                "text",
                "declared: BOOLEAN, DATE, TIME, DATETIME and TIMESTAMP are read as such, a value of another form is an error; stored: as they are stored",
                default="declared",
                choices=("declared", "stored"),
            ),
            _LOCK_TIMEOUT,
        ),
        requires=("pyarrow",),
        family="sqlite",
        connection="optional",
        capabilities=(
            "opens the file read-only and creates no file",
            "reads in batches: a large table needs little memory beyond the frame",
            "INTEGER types are int64, REAL and NUMERIC types float64, TEXT types text, BLOBs bytes; dates and times are read from ISO 8601",
            "a column without a declared type has the type that all its values have; if they differ, the error names it",
        ),
        example="- id: extract-movies\n  component: sqlite.extractor\n  config:\n    path: data/movies.db\n"
        "    query: SELECT title, director FROM movies\n",
    ),
    _writer(
        name="sqlite.writer",
        thread_safe=True,
        summary="Writes its input to a table of a SQLite file, in one transaction.",
        driver="osiris_inspect.runtime.drivers.sqlite.driver:SqliteWriter",
        keys=(
            _SQLITE_PATH,
            *(key for key in _WRITER_KEYS if key.name in ("table", "write_mode")),
            ConfigKey(
                "primary_key",
                "texts",
                "column or columns that identify a row; the primary key of a new table",
                required_when=("write_mode", ("upsert",)),
            ),
            *(key for key in _WRITER_KEYS if key.name == "on_duplicate_keys"),
            ConfigKey(
                "create_if_missing",
                "switch",
                "create a missing file, and a missing table from the columns of the input",
                default=False,
            ),
            _CREATE_DIRS,
            _LOCK_TIMEOUT,
            _MULTIPLE_INPUTS_KEY,
            _INDEX_KEY,
        ),
        requires=("pyarrow",),
        family="sqlite",
        connection="optional",
        capabilities=(
            "atomic: a failed write leaves the file unchanged, and creates none",
            "decimals are TEXT with all digits; dates, times and durations ISO 8601; lists, structures and maps JSON; NaN is NULL, -0.0 is 0.0",
            "a value that the column of an existing table would change, such as 00123 in NUMERIC, is an error that names it",
        ),
        example="- id: write-stats\n  component: sqlite.writer\n  needs: [compute-stats]\n  config:\n    path: out/stats.db\n"
        "    table: director_stats\n    write_mode: replace\n    create_if_missing: true\n",
    ),
    _writer(
        name="supabase.writer",
        summary="Writes its input to a Supabase table: over SQL if the connection has pg_dsn, otherwise over REST.",
        driver="osiris_inspect.runtime.drivers.supabase.driver:SupabaseWriter",
        keys=(
            *_WRITER_KEYS,
            ConfigKey(
                "channel",
                "text",
                "sql, rest, or auto: sql if the connection has pg_dsn, otherwise rest",
                default="auto",
                choices=("auto", "sql", "rest"),
            ),
            ConfigKey("batch_size", "whole", "rows of one REST request; default: 5000", minimum=1),
            ConfigKey(
                "retries",
                "whole",
                "number of retries after a transient failure, if a retry cannot write rows twice",
                default=3,
                minimum=0,
            ),
            ConfigKey(
                "timeout", "number", "time limit of a REST request, in seconds", default=30, minimum=0.001
            ),
            *_ignored_keys("returning", "prefer", "ddl_channel"),
        ),
        requires=("psycopg", "postgrest", "pyarrow"),
        extra="supabase",
        family="supabase",
        not_secret=(*_PUBLIC_KEYS, "url"),
        connection="required",
        capabilities=(
            "over SQL: atomic; a failed write leaves the table unchanged",
            "over REST: each batch is atomic; an error states how many rows were written before it",
            "rows_written is the row count confirmed by the server",
        ),
        example="- id: write-stats\n  component: supabase.writer\n  needs: [compute-stats]\n  config:\n"
        '    connection: "@supabase.main"\n    table: director_stats\n    write_mode: replace\n    primary_key: [director]\n',
    ),
)


@cache
def all_components() -> Mapping[str, Component]:
    """Return every component by name: the built-in ones, then those of installed packages.

    Raises:
        SettingsError: a package's component cannot be loaded, or its name is not unique.
    """
    components = {component.name: component for component in BUILT_IN}
    for entry in sorted(metadata.entry_points(group=GROUP), key=lambda entry: entry.name):
        for component in _from_entry_point(entry):
            if component.name in components:
                raise SettingsError(
                    f"cannot load component {component.name!r} of {_package(entry)}: "
                    "another component has this name",
                    kind="component-not-loadable",
                    fix="rename one of them",
                    component=component.name,
                    package=_package(entry),
                )
            components[component.name] = component
    return components


def _from_entry_point(entry: metadata.EntryPoint) -> Iterable[Component]:
    try:
        loaded = entry.load()
    except Exception as error:  # runs code of another package
        raise SettingsError(
            f"component {entry.name!r} of {_package(entry)} cannot be loaded: {type(error).__name__}: {error}",
            kind="component-not-loadable",
            fix="correct or uninstall the package",
            component=entry.name,
            package=_package(entry),
        ) from error
    components = [loaded] if isinstance(loaded, Component) else loaded
    if not isinstance(components, list | tuple) or not all(
        isinstance(item, Component) for item in components
    ):
        raise SettingsError(
            f"entry point {entry.name!r} of {_package(entry)} names a {type(loaded).__name__}",
            kind="component-not-loadable",
            fix="let it name a Component or a list of them",
            component=entry.name,
            package=_package(entry),
        )
    return components


def _package(entry: metadata.EntryPoint) -> str:
    return f"package {entry.dist.name!r}" if entry.dist is not None else f"{entry.value!r}"
