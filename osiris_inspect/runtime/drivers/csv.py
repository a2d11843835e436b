"""CSV files in and out."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers import Context
from osiris_inspect.runtime.resolved import Resolved


class CsvExtractor:
    """Reads one CSV file."""

    def run(
        self, *, step_id: str, config: Mapping[str, Any], inputs: Mapping[str, Resolved], ctx: Context
    ) -> Mapping[str, Any]:
        """The file's rows as a frame; a file with a header alone gives its columns and no row."""
        del inputs
        path = ctx.base / config["path"]
        _check_readable(path, step_id)
        try:
            frame = pd.read_csv(
                path,
                sep=config["delimiter"],
                encoding=config["encoding"],
                header=0 if config["header"] else None,
                usecols=config.get("columns"),
            )
        except pd.errors.EmptyDataError:
            raise DriverError(f"step {step_id!r}: {path} is empty; there is not even a header") from None
        except pd.errors.ParserError as error:
            raise DriverError(f"step {step_id!r}: {path} is no table: {error}") from error
        except UnicodeDecodeError as error:
            text = f"step {step_id!r}: {path} is not {config['encoding']}: {error.reason} at byte {error.start}; set encoding"
            raise DriverError(text) from error
        except LookupError as error:
            raise DriverError(f"step {step_id!r}: unknown encoding {config['encoding']!r}") from error
        except ValueError as error:
            raise DriverError(f"step {step_id!r}: {_missing_columns(path, config, str(error))}") from error
        if config.get("columns"):
            frame = frame[config["columns"]]
        ctx.metric("rows_read", len(frame))
        return {"df": frame}


class CsvWriter:
    """Writes one CSV file, whole or not at all."""

    def run(
        self, *, step_id: str, config: Mapping[str, Any], inputs: Mapping[str, Resolved], ctx: Context
    ) -> Mapping[str, Any]:
        """Write the one input; the old file stands until the new one is whole."""
        if len(inputs) != 1:
            raise DriverError(
                f"step {step_id!r} writes one frame and got {len(inputs)}: {', '.join(inputs) or 'none'}"
            )
        (resolved,) = inputs.values()
        frame = resolved.frame()
        path = ctx.base / config["path"]
        if config["create_dirs"]:
            path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            frame.to_csv(
                temporary,
                index=False,
                sep=config["delimiter"],
                encoding=config["encoding"],
                header=config["header"],
                lineterminator="\r\n" if config["newline"] == "crlf" else "\n",
            )
            temporary.replace(path)
        except OSError as error:
            raise DriverError(f"step {step_id!r} cannot write {path}: {error.strerror or error}") from error
        finally:
            temporary.unlink(missing_ok=True)
        ctx.metric("rows_written", len(frame))
        return {"rows_written": len(frame)}


def _check_readable(path: Path, step_id: str) -> None:
    if path.is_dir():
        raise DriverError(f"step {step_id!r}: {path} is a folder, not a CSV file")
    if not path.exists():
        raise DriverError(f"step {step_id!r}: CSV file not found: {path}")


def _missing_columns(path: Path, config: Mapping[str, Any], text: str) -> str:
    if "usecols" not in text.lower():
        return f"{path} cannot be read: {text}"
    there = pd.read_csv(path, sep=config["delimiter"], encoding=config["encoding"], nrows=0).columns
    missing = [name for name in config["columns"] if name not in there]
    return f"{path} has no column {', '.join(map(repr, missing))}; it has {', '.join(map(str, there))}"
