"""The command line. Data goes to stdout, messages go to stderr.

Exit codes: 0 success or no findings, 1 findings, or a failed or interrupted run, 2 wrong usage, 3 no readable run,
70 internal error, 130 interrupted.
"""

import errno
import gc
import os
import sys
from typing import Any, NoReturn

from osiris_inspect.cli.startup.instant_verdict import print_verdict
from osiris_inspect.cli.support import streams


def main() -> NoReturn:
    """Run the command line on ``sys.argv`` and end the process with its exit code."""
    streams.setup()
    path = print_verdict(sys.argv[1:])  # before other imports, so that it appears at once
    from osiris_inspect.cli.support.exit_codes import FAULT, INTERRUPTED, NO_RUN, exit_code_of
    from osiris_inspect.model.errors import OsirisError

    try:
        if path is not None:  # the most frequent use needs no typer
            from osiris_inspect.cli.inspect.launch_tui import run_tui

            gc.disable()  # ``run_app`` enables it after the first screen
            _exit_with(run_tui(path))
        from osiris_inspect.cli.startup.fast_path import run_fast

        code = run_fast(sys.argv[1:])
        if code is not None:
            _exit_with(code)
        from osiris_inspect.cli.app import build_app

        _exit_with(_run_typer(build_app()))
    except SystemExit as end:
        _exit_with(end.code if isinstance(end.code, int) else 0)
    except OsirisError as error:
        from osiris_inspect.inspector.archives.open_archives import show_archives

        streams.write_message(show_archives(str(error)))
        _exit_with(exit_code_of(error))
    except KeyboardInterrupt:
        _exit_with(INTERRUPTED)
    except streams.ReaderGone:
        streams.detach_stdout()
        _exit_with(0)
    except Exception as error:  # a bug in this program is reported in one line
        if os.environ.get("OSIRIS_INSPECT_DEBUG"):
            raise
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:  # a path of the command line
            streams.write_message(f"cannot read {error.filename!r}: its name is too long; name another path")
            _exit_with(NO_RUN)
        streams.write_message(
            f"internal error: {type(error).__name__}: {error}; set OSIRIS_INSPECT_DEBUG=1 to see where"
        )
        _exit_with(FAULT)
    _exit_with(0)


def _run_typer(app: Any) -> int:
    """Run the application and return the exit code.

    Raises:
        OsirisError: the command line is wrong, or the command failed.
    """
    from typer import Abort
    from typer._click.exceptions import ClickException, NoArgsIsHelpError

    from osiris_inspect.cli.support.exit_codes import INTERRUPTED, USAGE
    from osiris_inspect.cli.support.usage_errors import to_wrong_use

    try:
        code = app(prog_name="osiris-inspect", standalone_mode=False)
    except NoArgsIsHelpError as error:
        streams.write_stdout(f"{error.format_message()}\n")
        return USAGE
    except ClickException as error:
        raise to_wrong_use(error) from None
    except Abort:
        return INTERRUPTED
    return code if isinstance(code, int) else 0


def _exit_with(code: int) -> NoReturn:
    import threading

    if any(thread.name == "worker" for thread in threading.enumerate()):
        # a step that did not stop is inside a C library, which aborts if the interpreter finalizes
        streams.flush()
        os._exit(code)
    sys.exit(code)
