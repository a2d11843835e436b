"""The command line: the only place that writes to stdout and stderr, gives the time and ends the process.

stdout is data, stderr is for people. Exit codes: 0 nothing found, 1 findings or a run that failed, 2 usage,
3 no readable run, 70 a fault of this program itself, 130 interrupted.
"""

import gc
import os
import sys
from typing import NoReturn

from osiris_inspect.cli.startup import instant_verdict as first_words
from osiris_inspect.cli.support import streams


def main() -> NoReturn:
    """Run the command line on ``sys.argv`` and end the process with its exit code."""
    streams.setup()
    path = first_words.print_verdict(
        sys.argv[1:]
    )  # before anything else is imported: that is what they are for
    from osiris_inspect.cli.support.exit_codes import FAULT, INTERRUPTED, exit_code_of
    from osiris_inspect.model.errors import OsirisError

    try:
        if path is not None:  # the way everyone goes, without the time it takes to build all commands
            from osiris_inspect.cli.inspect.launch_tui import run_tui

            gc.disable()  # until the first screen stands, as ``run_app`` says
            run_tui(path)
            _exit_with(0)
        from osiris_inspect.cli.startup import fast_path as quick

        code = quick.run_fast(sys.argv[1:])
        if code is not None:
            _exit_with(code)
        from osiris_inspect.cli.app import build_app

        build_app()(prog_name="osiris-inspect", standalone_mode=True)
    except SystemExit as end:
        _exit_with(end.code if isinstance(end.code, int) else 0)
    except OsirisError as error:
        _error(str(error))
        _exit_with(exit_code_of(error))
    except KeyboardInterrupt:
        _exit_with(INTERRUPTED)
    except BrokenPipeError:
        # the reader of our stdout has seen enough; Python would complain once more while closing it
        streams.detach(sys.stdout)
        _exit_with(0)
    except Exception as error:  # the last line of defence: a fault of ours is said in one line
        if os.environ.get("OSIRIS_INSPECT_DEBUG"):
            raise
        _error(
            f"fault in osiris-inspect: {type(error).__name__}: {error}; OSIRIS_INSPECT_DEBUG=1 shows where"
        )
        _exit_with(FAULT)
    _exit_with(0)


def _error(text: str) -> None:
    for line in text.splitlines():
        streams.write_stderr(f"osiris-inspect: {line}\n")


def _exit_with(code: int) -> NoReturn:
    import threading

    if any(thread.name == "worker" for thread in threading.enumerate()):
        # a step that would not stop is still inside a C library, which aborts when the interpreter is taken away
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
