"""A driver that fails as its configuration says."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Swapped:
    """Sleeps, reads a file, and fails in the runs that have an F in its pattern."""

    def run(self, *, step_id: str, config: Mapping[str, Any], inputs: Any, ctx: Any) -> Any:
        time.sleep(float(config.get("sleep") or 0))
        if config.get("path"):
            Path(config["path"]).read_text()
        if config.get("pattern"):
            counter = Path(config["counter"])
            number = len(counter.read_text()) if counter.exists() else 0
            counter.write_text("x" * (number + 1))
            if config["pattern"][number] == "F":
                raise ValueError("bad value")
        return {"df": next(iter(inputs.values())).to_pandas()}
