"""The style sheet of the HTML report: light, dark and print."""

from typing import Final

STYLE: Final = """
:root{color-scheme:light dark;--back:#fff;--text:#1c2128;--faint:#5d6673;--line:#d5dae1;--soft:#f4f6f8;
--good:#1a7f37;--bad:#c2212e;--warn:#8a5a00;--idle:#6e7781;--cause:#fff3f3}
@media (prefers-color-scheme:dark){:root{--back:#12161c;--text:#e2e6eb;--faint:#9aa5b1;--line:#323a45;--soft:#1b212a;
--good:#4cc46a;--bad:#ff7b82;--warn:#e3b341;--idle:#8b949e;--cause:#2b191c}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1080px;padding:24px 20px 60px;background:var(--back);color:var(--text);
font:15px/1.5 system-ui,sans-serif}
h1{font-size:22px;margin:0 0 4px}h2{font-size:17px;margin:30px 0 8px}
code,pre,td,th,svg text{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:12.5px}
code{overflow-wrap:anywhere}h1 code,h2 code{font-size:.92em}
.faint{color:var(--faint);fill:var(--faint)}
section.run{border-top:4px solid var(--idle);padding-top:14px;margin-bottom:56px}
section.success{border-color:var(--good)}section.failed,section.compile_failed{border-color:var(--bad)}
section.truncated,section.unreadable,section.interrupted{border-color:var(--warn)}
.verdict{font-weight:600}.success .verdict,b.succeeded{color:var(--good)}
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
svg{max-width:none}svg text{fill:var(--text)}svg .name{font-weight:600}svg .label,svg text.faint{fill:var(--faint)}
.node rect{fill:var(--soft);stroke:var(--idle);stroke-width:1.5}
.node.succeeded rect{stroke:var(--good)}.node.failed rect{stroke:var(--bad);fill:var(--cause);stroke-width:2.5}
.node.running rect{stroke:var(--warn)}.node.skipped rect,.node.not_started rect{stroke-dasharray:5 4}
.times .succeeded rect{fill:var(--good)}.times .node.failed rect{fill:var(--bad)}.times .running rect,.times .interrupted rect{fill:var(--warn)}
svg text.label{paint-order:stroke;stroke:var(--back);stroke-width:6px}
.edge{fill:none;stroke:var(--idle);stroke-width:1.5}.edge.spill{stroke-dasharray:2 3}
.edge.unresolved{stroke:var(--bad);stroke-dasharray:6 4}.tip{fill:var(--idle)}.tick{stroke:var(--line);fill:none}
a{color:inherit}
@media print{:root{color-scheme:light;--back:#fff;--text:#000;--faint:#444;--line:#bbb;--soft:#fff;--good:#1a7f37;
--bad:#c2212e;--warn:#8a5a00;--idle:#555;--cause:#fff}body{max-width:none;padding:0;font-size:11pt}
section.run{break-before:page}section.run:first-of-type{break-before:auto}.wide{overflow:visible}
svg{max-width:100%;height:auto}tr,svg,.cause{break-inside:avoid}*{print-color-adjust:exact}}
"""
