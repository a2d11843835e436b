"""Choice of the transport for a target."""

import time
from collections.abc import Mapping

from osiris_inspect.model.errors import SettingsError
from osiris_inspect.runtime.sandbox.isolation import RequestedLevel, ResourceLimits
from osiris_inspect.runtime.transport.transport import Transport


def create_transport(
    target: str,
    environment: Mapping[str, str],
    isolation: RequestedLevel = "auto",
    limits: ResourceLimits | None = None,
    *,
    redirect_stderr: bool = False,
) -> Transport:
    """Return the transport to a worker on ``local``, ``sandbox`` or ``e2b``.

    ``isolation`` and ``limits`` apply to ``sandbox`` only, and ``redirect_stderr`` to ``local``: descriptor 2 then goes
    to the worker's log, so the process must write its own messages to a copy of it.

    Raises:
        SettingsError: the target is unknown, or its package or key is missing.
    """
    if target == "local":
        from osiris_inspect.runtime.transport.in_process import InProcess

        return InProcess(environment, time.time, redirect_stderr=redirect_stderr)
    if target == "sandbox":
        from osiris_inspect.runtime.transport.stdio import Stdio

        return Stdio(environment, isolation, limits)
    if target == "e2b":
        from osiris_inspect.runtime.transport.e2b.transport import E2bTransport

        return E2bTransport(environment)
    raise SettingsError(f"cannot run on {target!r}", fix="use 'local', 'sandbox' or 'e2b'", value=target)
