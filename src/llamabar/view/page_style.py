"""How the page looks: a Mac's menu bar and menus, light and dark. Every text stands on one known colour."""

from llamabar.view.palette import WARNING_COLOURS

_LAYOUT = """
*{box-sizing:border-box}
body{margin:0;padding:16px;background:#fff;color:#1d1d1f;font:15px/1.45 -apple-system,BlinkMacSystemFont,
"Helvetica Neue",Helvetica,Arial,"Liberation Sans","DejaVu Sans",sans-serif}
main{max-width:1168px;margin:0 auto}
h1{font-size:24px;margin:0 0 4px}
h2{font-size:18px;margin:0 0 8px}
section{margin:0 0 32px}
p{margin:0 0 16px}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:16px;align-items:start}
.desk{border-radius:10px;padding:0 0 18px;background:var(--desk);min-width:0;height:100%;overflow:hidden}
.desk h3{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.bar{display:flex;justify-content:flex-end;align-items:center;gap:14px;min-height:28px;padding:2px 12px;
background:var(--bar);color:var(--text);font-size:13px;line-height:18px}
.title{display:inline-flex;align-items:center;gap:5px;margin-right:auto;padding:2px 8px;border-radius:5px;
background:var(--pressed);min-width:0}
.title code{font:12px/18px Menlo,"DejaVu Sans Mono","Liberation Mono",monospace;white-space:pre}
.panel{list-style:none;margin:6px 12px 0;padding:5px;border-radius:8px;background:var(--panel);color:var(--text);
border:1px solid var(--edge);font-size:13px;line-height:18px;width:fit-content;
max-width:calc(100% - 24px);min-width:min(250px,calc(100% - 24px))}
.panel .panel{margin:3px 4px 5px 18px;padding:3px;max-width:calc(100% - 22px);background:var(--sub);min-width:0}
.panel li{min-width:0}
.line{display:flex;align-items:center;gap:6px;padding:2px 8px;min-height:22px}
.words{flex-shrink:1000;min-width:7em;overflow-wrap:anywhere;unicode-bidi:isolate}
.value{margin-left:auto;padding:0 6px;border-radius:8px;background:var(--badge);color:var(--quiet);font-size:11px;
line-height:16px;text-align:right;overflow-wrap:anywhere;font-variant-numeric:tabular-nums;
min-width:0}
.mark{margin-left:auto;padding-left:10px;flex:none}
.value~.mark{margin-left:0}
.still>.line{color:var(--quiet)}
.warning>.line{color:var(--warning)}
.part{border-top:1px solid var(--edge);margin-top:5px;padding-top:5px}
.symbol{width:16px;height:16px;flex:none;fill:none;stroke:currentColor;stroke-width:1.4;
stroke-linecap:round;stroke-linejoin:round}
.panel .symbol{width:14px;height:14px}
img{flex:none;display:block;max-width:60%}
.line:has(img){flex-wrap:wrap}
.line:has(img)>.words{min-width:0}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
"""

_LIGHT = f""".light{{
--desk:#c9d6e4;--bar:#eef2f6;--pressed:#d3dae2;--panel:#fff;--sub:#f3f5f7;--edge:#b4bcc6;--badge:#e3e6ea;
--text:#1d1d1f;--quiet:#5f6368;--warning:{WARNING_COLOURS[0]}}}
"""
_DARK = f""".dark{{
--desk:#3a4654;--bar:#1c2128;--pressed:#3b434d;--panel:#1e1e1e;--sub:#2a2a2c;--edge:#515357;--badge:#3a3a3d;
--text:#f2f2f4;--quiet:#b4b6bb;--warning:{WARNING_COLOURS[1]}}}
"""

STYLE = _LAYOUT + _LIGHT + _DARK
