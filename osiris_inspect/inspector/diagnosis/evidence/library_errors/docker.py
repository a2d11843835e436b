"""Errors of a Docker daemon: what to do follows from the reason in the body of its response."""

from osiris_inspect.inspector.text.lazy_regex import LazyRegex

_OF_DAEMON = LazyRegex(
    r"http\+docker://|\bError response from daemon: |\b(?:dockerd|docker\.sock|Docker daemon)\b"
)
_REASONS = (
    (LazyRegex(r"(?i:\b(?:unauthorized|access denied|requested access to the resource is denied|docker login)\b)"),
     "run docker login for the registry where the step runs, and check the name of the image; the connection of the step does not matter"),
    (LazyRegex(r"(?i:port is already allocated|address already in use)"), "free the port that the message names, or use another one"),
    (LazyRegex(r"(?i:no such image|manifest (?:for [^\n]{1,120} )?(?:unknown|not found)|name unknown|repository does not exist)"),
     "correct the name and the tag of the image, or pull it first"),
    (LazyRegex(r"(?i:container name [^\n]{1,120} is already in use)"), "remove the old container, or use another name"),
    (LazyRegex(r"(?i:mounts denied|invalid mount config|bind source path does not exist|invalid volume specification)"),
     "correct the path that the container mounts; it must exist on the machine of the daemon"),
    (LazyRegex(r"(?i:no space left on device)"), "free disk space of the Docker daemon, for example with docker system prune"),
    (LazyRegex(r"(?i:OCI runtime|executable file not found|exec format error)"),
     "correct the command and the image of the container, which must contain the program for this machine"),
    (LazyRegex(r"(?i:could not select device driver|nvidia)"), "install the device driver and its container toolkit on the machine of the daemon"),
)  # fmt: skip


def docker_fix(text: str) -> str | None:
    """Return what to do about an error of a Docker daemon; None for another error."""
    if _OF_DAEMON.search(text) is None:
        return None
    fixes = (fix for reason, fix in _REASONS if reason.search(text))
    return next(fixes, "correct what the daemon names in its response; its log has more")
