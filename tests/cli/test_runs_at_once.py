"""Several commands run one pipeline in one folder at the same time."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.cli.shell import osiris_inspect

COUNT = 8


def test_runs_at_once_in_one_folder_are_complete(tmp_path: Path) -> None:
    (tmp_path / "movies.csv").write_text("title,rating\na,1\nb,2\n")
    (tmp_path / "p.yaml").write_text(
        'oml_version: "0.1.0"\nname: p\nsteps:\n'
        "  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: movies.csv}}\n"
        "  - {id: write, component: filesystem.csv_writer, mode: write, needs: [read], config: {path: out.csv}}\n"
    )
    command = [sys.executable, "-P", "-m", "osiris_inspect", "run", "p.yaml"]
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    started = [
        subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(COUNT)
    ]
    outputs = [process.communicate(timeout=120)[0] for process in started]

    assert [process.returncode for process in started] == [0] * COUNT, outputs
    runs = sorted((tmp_path / "logs").iterdir())
    assert len(runs) == COUNT
    listed = osiris_inspect("runs", "logs", "--json", cwd=tmp_path, env=env)
    assert [json.loads(line)["status"] for line in listed.out.splitlines()] == ["success"] * COUNT
    assert (tmp_path / "out.csv").read_text() == "title,rating\na,1\nb,2\n"
    assert not [path for path in tmp_path.iterdir() if path.name.endswith((".part", ".tmp"))]
