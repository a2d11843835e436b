"""The components that come with this package, as values."""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata
from typing import Final

from osiris_inspect.model.errors import SettingsError
from osiris_inspect.runtime.pipeline.component import GROUP, Component, ConfigKey


def _ignored_keys(*names: str) -> tuple[ConfigKey, ...]:
    """Keys that pipelines of the original write and that mean nothing here."""
    says = "taken from pipelines of the original; has no effect here"
    return tuple(ConfigKey(name, "text", says, ignored=True) for name in names)


_ENCODING = ConfigKey("encoding", "text", "the file's encoding", default="utf-8")
_ONE: Final = (r'[^"\r\n]', 'one character that is no quote; a tab is "\\t" in double quotes')
_DELIMITER_IN = ConfigKey(
    "delimiter",
    "text",
    r"what stands between two fields, one character; \s+ is any white space",
    default=",",
    pattern=(
        r'[^"\r\n\x80-\U0010ffff]|\\s\+',
        r"one ASCII character that is no quote, or \s+ for any white space",
    ),
)
_DELIMITER_OUT = ConfigKey(
    "delimiter", "text", "what stands between two fields, one character", default=",", pattern=_ONE
)
_COLUMNS = ConfigKey("columns", "list", "the columns to read, in this order; all of them where absent")
_PATH_IN = ConfigKey(
    "path", "texts", "the file, or a pattern such as data/*.csv, or a list of them", required=True
)
_PATH_OUT = ConfigKey("path", "text", "the file, relative to the working folder", required=True)
_CREATE_DIRS = ConfigKey("create_dirs", "switch", "whether to make missing folders", default=True)
_MULTIPLE_INPUTS_KEY = ConfigKey(
    "on_several_inputs",
    "text",
    "what to do with several inputs: append puts their rows one after another; where absent they are an error",
    choices=("append",),
)
_QUERY_TIMEOUT = ConfigKey(
    "query_timeout", "number", "seconds the server may work on the query", minimum=0.001
)
_CONNECT_TIMEOUT = ConfigKey(
    "connect_timeout", "whole", "seconds to wait for the server", default=10, minimum=1
)
_BATCHES = "reads in batches: memory is bounded by the frame, not by the client library"
_TYPES = "types come from the declared columns, so 0 rows have the same types as a million"

_WRITER_KEYS = (
    ConfigKey("table", "text", "the table to write to", required=True),
    ConfigKey("schema", "text", "the schema the table is in", default="public"),
    ConfigKey(
        "write_mode",
        "text",
        "append (or insert): add rows; upsert: update rows whose key is there; replace: afterwards the table holds these rows and no others",
        default="append",
        choices=("append", "insert", "upsert", "replace"),
    ),
    ConfigKey(
        "primary_key",
        "texts",
        "the column or columns that identify a row",
        required_when=("write_mode", ("upsert", "replace")),
    ),
    ConfigKey(
        "on_duplicate_keys",
        "text",
        "what to do when two rows of the input have one key: error, or keep the last",
        default="error",
        choices=("error", "last"),
    ),
    ConfigKey(
        "create_if_missing", "switch", "whether to create the table from the frame's columns", default=False
    ),
    ConfigKey("connect_timeout", "whole", "seconds to wait for the server", default=10, minimum=1),
    ConfigKey("statement_timeout", "number", "seconds the server may work on one statement", minimum=0.001),
    _MULTIPLE_INPUTS_KEY,
)

BUILT_IN: Final = (
    Component(
        name="filesystem.csv_extractor",
        summary="Reads CSV files into a frame.",
        driver="osiris_inspect.runtime.drivers.csv.driver:CsvExtractor",
        modes=("read",),
        keys=(
            _PATH_IN,
            _DELIMITER_IN,
            _ENCODING,
            ConfigKey("header", "switch", "whether the first line names the columns", default=True),
            _COLUMNS,
            ConfigKey("skip_rows", "whole", "lines to skip before the header", minimum=0),
            ConfigKey("limit", "whole", "rows to read at most", minimum=0),
            ConfigKey(
                "on_bad_lines",
                "text",
                "what to do with a line that has more fields than the header; warn and skip leave it out and count it in the metric lines_left_out",
                choices=("error", "warn", "skip"),
            ),
            ConfigKey("na_values", "list", "texts that stand for nothing, beside the usual ones"),
            ConfigKey(
                "keep_default_na",
                "switch",
                "false: NA, N/A, null, nan, None and the like are texts, and only the empty field stands for nothing",
            ),
            ConfigKey(
                "dtype",
                "map",
                "types by column, in pandas' words: {zip: str} keeps 00123, which is a whole number otherwise",
            ),
            ConfigKey(
                "parse_dates",
                "list or switch",
                "columns to read as times, 01/02/2024 with the month first; true: every column whose text is an ISO 8601 time",
            ),
            ConfigKey(
                "compression",
                "text",
                "how the file is compressed",
                choices=("infer", "gzip", "bz2", "zip", "xz", "zstd", "none"),
            ),
            ConfigKey("comment", "text", "the character that begins a comment", pattern=_ONE),
            ConfigKey("file_column", "text", "a column to add that names the file of each row"),
            *_ignored_keys("chunk_size", "skip_blank_lines"),
        ),
        inputs="none",
        produces_frame=True,
        requires=("pandas",),
        family="filesystem",
        connection="optional",
        capabilities=(
            "a pattern reads all files that match, in the order of their names; columns must agree, and their types are those of one file with all the lines",
            "whole numbers stay exact, with gaps too; a column with one beyond 64 bits is text",
            "a line with fewer fields than the header ends in nothing; of columns of one name the second is called name.1",
            "a connection of the family filesystem gives base_dir, the folder that paths start from",
        ),
        example="- id: read-movies\n  component: filesystem.csv_extractor\n  config:\n    path: data/movies.csv\n",
    ),
    Component(
        name="filesystem.csv_writer",
        summary="Writes a frame to a CSV file, whole or not at all; the order of the columns is kept.",
        driver="osiris_inspect.runtime.drivers.csv.driver:CsvWriter",
        modes=("write",),
        keys=(
            _PATH_OUT,
            _DELIMITER_OUT,
            _ENCODING,
            ConfigKey("header", "switch", "whether to write the names of the columns", default=True),
            ConfigKey("newline", "text", "how a line ends", default="lf", choices=("lf", "crlf")),
            _CREATE_DIRS,
            ConfigKey(
                "quoting",
                "text",
                "which fields stand in quotes",
                default="minimal",
                choices=("minimal", "all", "nonnumeric", "none"),
            ),
            ConfigKey("na_rep", "text", "what stands for nothing"),
            _MULTIPLE_INPUTS_KEY,
            *_ignored_keys("chunk_size"),
        ),
        inputs="one",
        produces_frame=False,
        requires=("pandas",),
        family="filesystem",
        connection="optional",
        capabilities=("the old file stands until the new one is whole and synced",),
        example="- id: write-stats\n  component: filesystem.csv_writer\n  needs: [compute-stats]\n"
        "  config:\n    path: out/stats.csv\n",
    ),
    Component(
        name="filesystem.parquet_extractor",
        summary="Reads Parquet files into a frame.",
        driver="osiris_inspect.runtime.drivers.parquet:ParquetExtractor",
        modes=("read",),
        keys=(_PATH_IN, _COLUMNS),
        inputs="none",
        produces_frame=True,
        requires=("pyarrow",),
        family="filesystem",
        connection="optional",
        capabilities=(
            "a pattern reads all files that match, in the order of their names; columns must agree",
        ),
        example="- id: read-movies\n  component: filesystem.parquet_extractor\n  config:\n    path: data/movies.parquet\n",
    ),
    Component(
        name="filesystem.parquet_writer",
        summary="Writes a frame to a Parquet file, whole or not at all.",
        driver="osiris_inspect.runtime.drivers.parquet:ParquetWriter",
        modes=("write",),
        keys=(
            _PATH_OUT,
            ConfigKey(
                "compression",
                "text",
                "how the file is compressed",
                default="zstd",
                choices=("zstd", "lz4", "snappy", "none"),
            ),
            _CREATE_DIRS,
            _MULTIPLE_INPUTS_KEY,
        ),
        inputs="one",
        produces_frame=False,
        requires=("pyarrow",),
        family="filesystem",
        connection="optional",
        capabilities=("writes in batches; the old file stands until the new one is whole and synced",),
        example="- id: write-stats\n  component: filesystem.parquet_writer\n  needs: [compute-stats]\n"
        "  config:\n    path: out/stats.parquet\n",
    ),
    Component(
        name="duckdb.processor",
        summary="Runs SQL over its inputs; the last statement's result is the frame it gives.",
        driver="osiris_inspect.runtime.drivers.duckdb:DuckdbProcessor",
        modes=("transform",),
        keys=(
            ConfigKey(
                "query",
                "text",
                "SQL; one input is the table input_df, each one also df_<upstream step>",
                required=True,
            ),
            ConfigKey("allow_external", "switch", "whether the SQL may read and write files", default=False),
            ConfigKey("memory_limit", "text", "memory DuckDB may use, e.g. 2GB"),
            ConfigKey("threads", "whole", "threads DuckDB may use", minimum=1),
        ),
        inputs="many",
        produces_frame=True,
        requires=("duckdb", "pyarrow"),
        capabilities=(
            "reads spilled inputs from their files without loading them",
            "several statements, divided by semicolons; tables made by one are there for the next",
        ),
        example="- id: compute-stats\n  component: duckdb.processor\n  needs: [read-movies]\n  config:\n"
        "    query: SELECT director, count(*) AS movies FROM input_df GROUP BY director\n",
    ),
    Component(
        name="mysql.extractor",
        summary="Runs a query on MySQL or MariaDB and gives its rows as a frame.",
        driver="osiris_inspect.runtime.drivers.mysql.driver:MysqlExtractor",
        modes=("read",),
        keys=(
            ConfigKey("query", "text", "one SQL statement that gives rows", required=True),
            _QUERY_TIMEOUT,
            _CONNECT_TIMEOUT,
            ConfigKey(
                "tinyint1",
                "text",
                "what TINYINT(1) is: number (exact for every value), or switch (0 false, all else true)",
                default="number",
                choices=("number", "switch"),
            ),
            ConfigKey(
                "time",
                "text",
                "what TIME is: text as MySQL writes it, also beyond a day, or a duration",
                default="text",
                choices=("text", "duration"),
            ),
            ConfigKey(
                "zero_dates",
                "text",
                "what 0000-00-00 becomes, which no calendar has: an error, null, or text for the whole column",
                default="error",
                choices=("error", "null", "text"),
            ),
            ConfigKey(
                "wide_decimals",
                "text",
                "decimals of more than 38 digits: exact (text in SQL), fit (38 digits, more is an error), "
                "auto: exact for a table's column, fit for what the query computes",
                default="auto",
                choices=("auto", "exact", "fit"),
            ),
            *_ignored_keys(
                "batch_size", "echo", "pool_size", "pool_recycle", "schema", "offset", "host", "port"
            ),
        ),
        inputs="none",
        produces_frame=True,
        requires=("pymysql", "pyarrow"),
        extra="mysql",
        family="mysql",
        connection="required",
        capabilities=(_BATCHES, _TYPES, "a % in the query is a %; nothing is filled in"),
        example='- id: extract-movies\n  component: mysql.extractor\n  config:\n    connection: "@mysql.db_movies"\n'
        "    query: SELECT title, director FROM movies\n",
    ),
    Component(
        name="postgres.extractor",
        summary="Runs a query on PostgreSQL and gives its rows as a frame.",
        driver="osiris_inspect.runtime.drivers.postgres.driver:PostgresExtractor",
        modes=("read",),
        keys=(
            ConfigKey("query", "text", "one SQL statement that gives rows", required=True),
            _QUERY_TIMEOUT,
            _CONNECT_TIMEOUT,
            ConfigKey(
                "numeric",
                "text",
                "what NUMERIC without a declared precision is: text (exact) or float",
                default="text",
                choices=("text", "float"),
            ),
        ),
        inputs="none",
        produces_frame=True,
        requires=("psycopg", "pyarrow"),
        extra="postgres",
        family="postgres",
        connection="required",
        capabilities=(_BATCHES, _TYPES),
        example='- id: extract-movies\n  component: postgres.extractor\n  config:\n    connection: "@postgres.main"\n'
        "    query: SELECT title, director FROM movies\n",
    ),
    Component(
        name="postgres.writer",
        summary="Writes a frame to a PostgreSQL table, in one transaction.",
        driver="osiris_inspect.runtime.drivers.postgres.driver:PostgresWriter",
        modes=("write",),
        keys=_WRITER_KEYS,
        inputs="one",
        produces_frame=False,
        requires=("psycopg", "pyarrow"),
        extra="postgres",
        family="postgres",
        connection="required",
        capabilities=(
            "all or nothing: a failed write leaves the table as it was",
            "rows_written is the number the server counted",
        ),
        example="- id: write-stats\n  component: postgres.writer\n  needs: [compute-stats]\n  config:\n"
        '    connection: "@postgres.main"\n    table: director_stats\n    write_mode: upsert\n    primary_key: [director]\n',
    ),
    Component(
        name="supabase.writer",
        summary="Writes a frame to a Supabase table: over SQL where the connection has pg_dsn, otherwise over REST.",
        driver="osiris_inspect.runtime.drivers.supabase.driver:SupabaseWriter",
        modes=("write",),
        keys=(
            *_WRITER_KEYS,
            ConfigKey(
                "channel",
                "text",
                "sql, rest, or auto: sql where the connection has pg_dsn",
                default="auto",
                choices=("auto", "sql", "rest"),
            ),
            ConfigKey("batch_size", "whole", "rows of one REST request; 5000 where absent", minimum=1),
            ConfigKey(
                "retries",
                "whole",
                "tries again after a failure that may pass, where that cannot write twice",
                default=3,
                minimum=0,
            ),
            ConfigKey("timeout", "number", "seconds to wait for a REST answer", default=30, minimum=0.001),
            *_ignored_keys("returning", "prefer", "ddl_channel"),
        ),
        inputs="one",
        produces_frame=False,
        requires=("psycopg", "postgrest", "pyarrow"),
        extra="supabase",
        family="supabase",
        connection="required",
        capabilities=(
            "over SQL all or nothing: a failed write leaves the table as it was",
            "over REST a batch is all or nothing; a failure says how many rows were written before it",
            "rows_written is the number the server confirmed",
        ),
        example="- id: write-stats\n  component: supabase.writer\n  needs: [compute-stats]\n  config:\n"
        '    connection: "@supabase.main"\n    table: director_stats\n    write_mode: replace\n    primary_key: [director]\n',
    ),
)


@cache
def all_components() -> Mapping[str, Component]:
    """Every component there is, by name: the built-in ones, then those of installed packages.

    Raises:
        SettingsError: an installed package offers a component that cannot be loaded, or one whose name is taken.
    """
    from osiris_inspect.runtime.pipeline.builtin_components import BUILT_IN

    found = {component.name: component for component in BUILT_IN}
    for entry in sorted(metadata.entry_points(group=GROUP), key=lambda entry: entry.name):
        for component in _from_entry_point(entry):
            if component.name in found:
                text = (
                    f"component {component.name!r} of {_package(entry)} is there already; rename one of them"
                )
                raise SettingsError(text)
            found[component.name] = component
    return found


def _from_entry_point(entry: metadata.EntryPoint) -> Iterable[Component]:
    try:
        loaded = entry.load()
    except Exception as error:  # code of another package: whatever it raises, say whose it is
        text = (
            f"component {entry.name!r} of {_package(entry)} cannot be loaded: {type(error).__name__}: {error}"
        )
        raise SettingsError(text) from error
    offered = [loaded] if isinstance(loaded, Component) else loaded
    if not isinstance(offered, list | tuple) or not all(isinstance(item, Component) for item in offered):
        text = f"entry point {entry.name!r} of {_package(entry)} names a {type(loaded).__name__}, not a Component"
        raise SettingsError(text)
    return offered


def _package(entry: metadata.EntryPoint) -> str:
    return f"package {entry.dist.name!r}" if entry.dist is not None else f"{entry.value!r}"
