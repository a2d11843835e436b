"""Drivers that do their work, unless their configuration names a fault: then they do what drivers do wrong."""

import errno
import importlib
import socket
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from osiris_inspect.runtime.pipeline.builtin_components import BUILT_IN
from osiris_inspect.runtime.pipeline.component import Component, ConfigKey

MOON = "the moon is in the wrong phase"
"""An error whose text is all that is known of it."""


def _raise(error: BaseException) -> Any:
    raise error


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _connect() -> None:
    socket.create_connection(("127.0.0.1", _closed_port()), timeout=2)


def _sleep() -> None:
    while True:
        time.sleep(0.005)


DEEDS: Mapping[str, Callable[[], Any]] = {
    "raise": lambda: _raise(RuntimeError(MOON)),
    "memory": lambda: _raise(MemoryError("Unable to allocate 64.0 GiB for an array")),
    "disk": lambda: _raise(OSError(errno.ENOSPC, "No space left on device", "/data/out.bin")),
    "denied": lambda: _raise(PermissionError(errno.EACCES, "Permission denied", "/data/secret.bin")),
    "module": lambda: importlib.import_module("a_module_nobody_has"),
    "refused": _connect,
    "dns": lambda: _raise(socket.gaierror(socket.EAI_NONAME, "Name or service not known")),
    "encoding": lambda: b"caf\xe9 au lait".decode("utf-8"),
    "exit": lambda: sys.exit(3),
    "key": lambda: pd.DataFrame({"a": [1]})["amount"],
    "json": lambda: __import__("json").dumps(pd.Timestamp(0)),
    "hang": _sleep,
    "network": lambda: _raise(TimeoutError("The read operation timed out")),
}


RESULTS: Mapping[str, Callable[[pd.DataFrame], Any]] = {
    "nothing": lambda _: None,
    "other key": lambda frame: {"data": frame},
    "no mapping": lambda frame: [frame],
    "no frame": lambda frame: {"df": frame.to_dict()},
    "empty mapping": lambda _: {},
    "no rows": lambda frame: {"df": frame.iloc[:0]},
}


class _Driver:
    def run(self, *, step_id: str, config: Mapping[str, Any], inputs: Any, ctx: Any) -> Any:
        deed = DEEDS.get(config.get("fault", ""))
        if deed is not None:
            deed()
        frame = self.frame(config, inputs)
        fault = config.get("fault")
        if fault == "block spill":
            (ctx.artifacts / "output.parquet" / "in the way").mkdir(parents=True)
        return RESULTS[fault](frame) if fault in RESULTS else self.result(frame)

    def frame(self, config: Mapping[str, Any], inputs: Any) -> pd.DataFrame:
        raise NotImplementedError

    def result(self, frame: pd.DataFrame) -> Any:
        return {"df": frame}


class Extractor(_Driver):
    def frame(self, config: Mapping[str, Any], inputs: Any) -> pd.DataFrame:
        rows = int(config.get("rows", 14))
        return pd.DataFrame({"id": range(rows), "name": [f"n{n}" for n in range(rows)]})


class Processor(_Driver):
    def frame(self, config: Mapping[str, Any], inputs: Any) -> pd.DataFrame:
        return pd.concat([entry.to_pandas() for entry in inputs.values()], ignore_index=True)


class Writer(Processor):
    def result(self, frame: pd.DataFrame) -> Any:
        return {"rows_written": len(frame)}


def _component(name: str, mode: Any, inputs: Any, *, gives_frame: bool) -> Component:
    return Component(
        name=name,
        summary="Works, or fails as it is told.",
        driver=f"tests.inspector.saboteurs:{name.rpartition('.')[2].capitalize()}",
        modes=(mode,),
        keys=(ConfigKey("fault", "text", "for tests"), ConfigKey("rows", "whole", "for tests")),
        inputs=inputs,
        produces_frame=gives_frame,
    )


COMPONENTS: Mapping[str, Component] = {
    **{component.name: component for component in BUILT_IN},
    "gen.extractor": _component("gen.extractor", "read", "none", gives_frame=True),
    "gen.processor": _component("gen.processor", "transform", "many", gives_frame=True),
    "gen.writer": _component("gen.writer", "write", "many", gives_frame=False),
}
