"""The style sheet of the HTML report: light, dark and print."""

from collections.abc import Mapping
from typing import Final

from osiris_inspect.inspector.export.pictures.style import DARK, LIGHT, PRINT, rules

_RULES: Final = """
*{box-sizing:border-box}
body{margin:0 auto;max-width:1080px;padding:24px 20px 60px;background:var(--back);color:var(--text);
font:15px/1.5 system-ui,sans-serif}
h1{font-size:22px;margin:0 0 4px}h2{font-size:17px;margin:30px 0 8px}
code,pre,td,th{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:12.5px}
code{overflow-wrap:anywhere}h1 code,h2 code{font-size:.92em}
.faint{color:var(--faint)}
section.run{border-top:4px solid var(--idle);padding-top:14px;margin-bottom:56px}
section.success{border-color:var(--good)}section.failed,section.compile_failed{border-color:var(--bad)}
section.truncated,section.unreadable,section.interrupted{border-color:var(--warn)}
.verdict{font-weight:600}.success .verdict,b.succeeded,b.reused{color:var(--good)}
.failed .verdict,.compile_failed .verdict,b.failed,b.error{color:var(--bad)}
.truncated .verdict,.unreadable .verdict,.interrupted .verdict,b.interrupted,b.warning{color:var(--warn)}
.cause{background:var(--cause);border-left:4px solid var(--bad);padding:10px 14px;margin:14px 0}
.cause p{margin:4px 0}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th{text-align:left;color:var(--faint);font-weight:500}
td,th{padding:4px 10px 4px 0;border-bottom:1px solid var(--line);vertical-align:top}
td.number,th.number{text-align:right;white-space:nowrap}td.fields{overflow-wrap:anywhere}
details{border-bottom:1px solid var(--line);padding:6px 0}details.because{margin-left:24px}
summary{cursor:pointer}details ul{margin:6px 0 6px 4px;padding-left:16px}
svg{max-width:none}
a{color:inherit}
@media print{body{max-width:none;padding:0;font-size:11pt}
section.run{break-before:page}section.run:first-of-type{break-before:auto}.wide{overflow:visible}
svg{max-width:100%;height:auto}tr,svg,.cause{break-inside:avoid}*{print-color-adjust:exact}}
"""


def _variables(colors: Mapping[str, str]) -> str:
    return ";".join(f"--{name}:{color}" for name, color in colors.items())


STYLE: Final = (
    f"\n:root{{color-scheme:light dark;{_variables(LIGHT)}}}"
    f"\n@media (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}"
    f"\n@media print{{:root{{color-scheme:light;{_variables(PRINT)}}}}}"
    f"{_RULES}{rules({name: f'var(--{name})' for name in LIGHT}).lstrip()}"
)
