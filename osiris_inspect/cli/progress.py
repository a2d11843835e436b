"""How a run goes, for people, on stderr: a line a step."""

from typing import TextIO

from osiris_inspect.model.event import Event


class Progress:
    """Sees the events of a run and says what a person wants to know of them."""

    def __init__(self, err: TextIO, *, quiet: bool = False) -> None:
        self._err, self._quiet = err, quiet
        self._rows: dict[str, int] = {}
        self._where: dict[str, str] = {}

    def see(self, event: Event) -> None:
        """Take one event."""
        line = None if self._quiet else self._line(event)
        if line is not None:
            self._err.write(line + "\n")
            self._err.flush()

    def _line(self, event: Event) -> str | None:
        match event.name, event.step:
            case "run_start", _:
                return f"{event.fields['pipeline']} ({event.fields['mode']}) {event.session}"
            case "prepare_failed", _:
                return f"  ✗ prepare  {(event.error or 'failed').splitlines()[0]}"
            case "output_stored", str(step):
                self._where[step] = str(event.fields.get("storage"))
            case "heartbeat", str(step):
                rows = event.fields.get("rows")
                return f"  … {step} is {event.fields['phase']}" + (f", {rows:,} rows" if rows else "")
            case "step_complete", str(step):
                rows, where = event.rows, self._where.get(step)
                kept = f" in {where}" if where in ("memory", "spill") else ""
                return (
                    f"  ✓ {step}  {rows:,} rows{kept}  {event.duration_s or 0:.2f} s"
                    if rows is not None
                    else f"  ✓ {step}"
                )
            case "step_failed", str(step):
                return f"  ✗ {step}  {(event.error or 'failed').splitlines()[0]}"
            case "step_skipped", str(step):
                return f"  ⊘ {step}  skipped because of {event.fields['because']}"
        return None
