"""A driver of another package that writes every secret of its connection in every spelling wherever it can."""

import shutil
from pathlib import Path

from tests.model import spellings

_COMPONENT = """
from osiris_inspect import Component

COMPONENT = Component(
    name="leaky.extractor", summary="Test driver.", driver="leaky.driver:Leaky", modes=("read",), keys=(),
    inputs="none", produces_frame=True, family="leaky", connection="required",
)
"""
_DRIVER = """
import logging
import os
import resource
import sys
import threading
import warnings

import pandas as pd

from leaky.spellings import SPELLINGS


class Leaky:
    def run(self, *, step_id, config, inputs, ctx):
        secrets = list(config["resolved_connection"]["values"].values())
        spelled = enumerate(SPELLINGS.values())
        texts = [spelling(secrets[(7 * number + shift) % len(secrets)]) for number, spelling in spelled for shift in range(7)]
        texts += secrets
        for number, text in enumerate(texts):
            print("printed", text)
            print("to stderr", text, file=sys.stderr)
            if number % 7 == 0:
                logging.getLogger("leaky").error("logged %s", text)
                warnings.warn(f"warned {text}")
            if number % 97 == 0:
                ctx.metric(f"rows of {text}", 1)
        sys.stdout.flush()
        os.write(2, ("written to descriptor 2 " + texts[0] + chr(10)).encode())
        print("core files of", resource.getrlimit(resource.RLIMIT_CORE)[0], "bytes")
        thread = threading.Thread(target=lambda: print("from a thread", texts[0], file=sys.stderr))
        thread.start()
        thread.join()
        frame = pd.DataFrame({"n": [1, 2, 3]})
        frame.attrs["note"] = secrets[0]
        if step_id == "fail":
            try:
                raise KeyError({"url": texts[0], "all": secrets})
            except KeyError as error:
                raise ValueError("cannot connect: " + "; ".join(secrets) + " or " + "; ".join(texts[:20])) from error
        return {"df": frame}
"""
PIPELINE = """
oml_version: "0.1.0"
name: leaky
steps:
  - {id: read, component: leaky.extractor, config: {connection: "@leaky.c"}}
  - {id: write, component: filesystem.csv_writer, needs: [read], config: {path: out.csv}}
  - {id: fail, component: leaky.extractor, config: {connection: "@leaky.c"}}
"""


def install(folder: Path) -> Path:
    """Write the package and its entry point; return the folder for PYTHONPATH."""
    site = folder / "site"
    package, info = site / "leaky", site / "leaky-1.0.dist-info"
    package.mkdir(parents=True)
    info.mkdir()
    (package / "__init__.py").write_text(_COMPONENT)
    (package / "driver.py").write_text(_DRIVER)
    shutil.copy(spellings.__file__, package / "spellings.py")
    (info / "entry_points.txt").write_text("[osiris_inspect.components]\nleaky = leaky:COMPONENT\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: leaky\nVersion: 1.0\n")
    return site
