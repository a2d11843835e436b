"""Colours of the pictures and of the HTML report, and the style sheet of the pictures."""

from collections.abc import Mapping
from typing import Final

LIGHT: Final = {
    "back": "#ffffff",
    "text": "#1c2128",
    "faint": "#5d6673",
    "line": "#d5dae1",
    "soft": "#f4f6f8",
    "good": "#1a7f37",
    "bad": "#c2212e",
    "warn": "#8a5a00",
    "idle": "#6e7781",
    "cause": "#fff3f3",
    "memory": "#0a66c2",
    "spill": "#8a5a00",
}
DARK: Final = {
    "back": "#12161c",
    "text": "#e2e6eb",
    "faint": "#9aa5b1",
    "line": "#323a45",
    "soft": "#1b212a",
    "good": "#4cc46a",
    "bad": "#ff7b82",
    "warn": "#e3b341",
    "idle": "#8b949e",
    "cause": "#2b191c",
    "memory": "#6cb6ff",
    "spill": "#e3b341",
}
PRINT: Final = LIGHT | {
    "text": "#000000",
    "faint": "#444444",
    "line": "#bbbbbb",
    "soft": "#ffffff",
    "idle": "#555555",
    "cause": "#ffffff",
}
_RULES: Final = """
.picture text{{font:12px ui-monospace,"DejaVu Sans Mono",monospace;fill:{text};white-space:pre}}
.picture .back{{fill:{back}}}.picture .name{{font-weight:600}}.picture text.faint{{fill:{faint}}}
.picture text.label{{paint-order:stroke;stroke:{back};stroke-width:5px}}
.picture text.good,.picture text.succeeded{{fill:{good}}}.picture text.bad,.picture text.failed{{fill:{bad}}}
.picture text.warn,.picture text.interrupted,.picture text.running{{fill:{warn}}}
.picture text.memory{{fill:{memory}}}.picture text.spill{{fill:{spill}}}
.node{{fill:{soft};stroke:{idle};stroke-width:1.5}}.node.succeeded,.node.reused{{stroke:{good}}}.node.reused{{stroke-dasharray:1 3}}.node.failed{{stroke:{bad}}}
.node.cause{{stroke:{bad};fill:{cause};stroke-width:2.5}}.node.running,.node.interrupted{{stroke:{warn}}}
.node.skipped,.node.not_started{{stroke-dasharray:5 4}}
.edge{{fill:none;stroke:{idle};stroke-width:1.5}}.edge.memory{{stroke:{memory}}}
.edge.spill{{stroke:{spill};stroke-dasharray:2 3;stroke-width:2}}.edge.bad{{stroke:{bad};stroke-dasharray:6 4}}
.edge.order{{stroke-dasharray:1 4}}
.tip{{fill:{idle}}}.tip.memory{{fill:{memory}}}.tip.spill{{fill:{spill}}}.tip.bad{{fill:{bad}}}
.tick{{fill:none;stroke:{line}}}.waiting,.phase{{fill:{line}}}.spilling{{fill:{spill}}}.working{{fill:{idle}}}
.working.succeeded{{fill:{good}}}.working.failed{{fill:{bad}}}.working.running,.working.interrupted{{fill:{warn}}}
.area{{stroke-width:1;fill-opacity:.25}}.area.memory{{fill:{memory};stroke:{memory}}}.area.spill{{fill:{spill};stroke:{spill}}}
"""


def rules(colors: Mapping[str, str]) -> str:
    """Return the style sheet with these colours."""
    return _RULES.format_map(colors)
