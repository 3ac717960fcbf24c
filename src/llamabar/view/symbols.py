"""Look-alikes of SF Symbols as inline SVG, for pages: drawn here, 16 by 16, in the colour of the text beside them."""

from typing import Dict

_RING = '<circle cx="8" cy="8" r="6"/>'
_OCTAGON = '<path d="M5.6 2h4.8L14 5.6v4.8L10.4 14H5.6L2 10.4V5.6z"/>'
_TRIANGLE = '<path d="M8 2.2 14.6 13.6H1.4z"/>'
_CROSS = '<path d="m5.8 5.8 4.4 4.4m0-4.4-4.4 4.4"/>'
_CHECK = '<path d="m5.2 8.3 2 2 3.6-4.3"/>'
_BANG = '<path d="M8 4.8v3.8m0 2.2v.2"/>'
_QUESTION = '<path d="M6.3 6.4c0-2.3 3.5-2.2 3.4 0-.1 1.2-1.7 1.3-1.7 2.6M8 11v.2"/>'
_TURN = '<path d="M13.2 8A5.2 5.2 0 1 1 11.4 4M12 1.4V4.6H8.8"/>'
_DOTS = '<path d="M5 8h.1m2.9 0h.1m2.8 0h.1" stroke-width="1.8"/>'

DRAWN: Dict[str, str] = {
    "arrow.clockwise": _TURN,
    "arrow.down.circle": _RING + '<path d="M8 4.8v6M5.6 8.6 8 11l2.4-2.4"/>',
    "arrow.up.circle": _RING + '<path d="M8 11.2v-6M5.6 7.4 8 5l2.4 2.4"/>',
    "arrow.up.forward.app": '<path d="M12 9v4.5H2.5V4H7M9.5 2.5h4v4m0-4L7.5 8.5"/>',
    "battery": '<rect x="1" y="4.6" width="12" height="6.8" rx="1.8"/><rect x="3" y="6.6" width="7" height="2.8" '
    'fill="currentColor"/><path d="M15 7.2v1.6"/>',
    "bolt": '<path d="M9 1.8 3.6 9h4l-.8 5.2L12.4 7h-4z"/>',
    "books.vertical": '<path d="M2.5 13.5v-11h3v11zm3 0v-11h3v11zm4-10.4 2.8-.7 2.4 10.4-2.8.7z"/>',
    "chart.bar": '<path d="M3 14V9.5m5 4.5V3m5 11V6.5" stroke-width="2.6"/>',
    "chart.line.uptrend.xyaxis": '<path d="M2 2v12h12M4.5 11 7 7.5l2.2 2L13 4.5"/>',
    "checkmark": '<path d="m3 8.6 3.2 3.4L13 4"/>',
    "checkmark.circle": _RING + _CHECK,
    "circle": _RING,
    "circle.dotted": '<circle cx="8" cy="8" r="6" stroke-dasharray="0.1 3.04" stroke-width="1.9"/>',
    "circle.fill": '<circle cx="8" cy="8" r="6" fill="currentColor"/>',
    "circle.inset.filled": _RING + '<circle cx="8" cy="8" r="3" fill="currentColor"/>',
    "clock": _RING + '<path d="M8 4.4V8l2.6 1.6"/>',
    "cpu": '<rect x="4" y="4" width="8" height="8" rx="1"/><path d="M6 1.6V4m4-2.4V4M6 12v2.4M10 12v2.4M1.6 6H4m-2.4 '
    '4H4m8-4h2.4M12 10h2.4"/>',
    "doc.on.doc": '<rect x="2" y="5" width="8" height="9" rx="1.4"/><path d="M6 5V2h8v9h-4"/>',
    "doc.text": '<path d="M3.5 1.8h6l3 3v9.4h-9zM6 7h4.5M6 9.4h4.5M6 11.8h3"/>',
    "ellipsis.circle": _RING + _DOTS,
    "exclamationmark.circle": _RING + _BANG,
    "exclamationmark.octagon": _OCTAGON + _BANG,
    "exclamationmark.triangle": _TRIANGLE + '<path d="M8 6.4v3.4m0 1.7v.2"/>',
    "folder": '<path d="M1.8 13V3.4h4.4l1.4 1.6h6.6v8z"/>',
    "gauge": _RING + '<path d="m8 8.6 2.6-3M4.4 9h.2m7 0h.2"/>',
    "gearshape": '<circle cx="8" cy="8" r="2"/><circle cx="8" cy="8" r="4.4"/><path d="M8 1.4v2.2m0 8.8v2.2M1.4 8h2.2'
    'm8.8 0h2.2M3.3 3.3l1.6 1.6m6.2 6.2 1.6 1.6m0-9.4-1.6 1.6m-6.2 6.2-1.6 1.6"/>',
    "globe": _RING + '<path d="M2 8h12M8 2c-4 3.6-4 8.4 0 12 4-3.6 4-8.4 0-12"/>',
    "hourglass": '<path d="M4 1.8h8M4 14.2h8M5 1.8c0 3.6 6 5 6 8.6v3.8H5v-3.8c0-3.6 6-5 6-8.6z"/>',
    "info.circle": _RING + '<path d="M8 7.4v3.8M8 4.8V5"/>',
    "key": '<circle cx="5" cy="8" r="3"/><path d="M8 8h6.4v3M11.6 8v2.2"/>',
    "list.bullet": '<path d="M5.6 4H14M5.6 8H14M5.6 12H14M2.4 4h.1m-.1 4h.1m-.1 4h.1"/>',
    "lock": '<rect x="3" y="7" width="10" height="7" rx="1.4"/><path d="M5.2 7V4.8c0-3.6 5.6-3.6 5.6 0V7"/>',
    "magnifyingglass": '<circle cx="6.6" cy="6.6" r="4.4"/><path d="m10 10 4.4 4.4"/>',
    "memorychip": '<rect x="1.6" y="4.4" width="12.8" height="7.2" rx="1"/><path d="M4.4 4.4v7.2M7.4 4.4v7.2m3.2-7.2'
    'v7.2M4 11.6V14m4-2.4V14m4-2.4V14"/>',
    "moon": '<path d="M13.4 9.6A6 6 0 0 1 6.4 2.6 6 6 0 1 0 13.4 9.6z"/>',
    "network": '<circle cx="8" cy="3.4" r="1.8"/><circle cx="3.4" cy="12.4" r="1.8"/>'
    '<circle cx="12.6" cy="12.4" r="1.8"/><path d="m7.2 5-3 5.8m4.6-5.8 3 5.8M5.2 12.4h5.6"/>',
    "pause.circle": _RING + '<path d="M6.4 5.6v4.8m3.2-4.8v4.8"/>',
    "person.2": '<circle cx="5.6" cy="5.4" r="2.2"/><path d="M1.4 13c.2-5 8.2-5 8.4 0zM10.4 3.6a2 2 0 0 1 .4 3.9c2 .2 '
    '3.6 1.8 3.8 4.9h-2.4"/>',
    "play.circle": _RING + '<path d="M6.6 5.2v5.6L11 8z" fill="currentColor"/>',
    "power": '<path d="M8 1.6v6M4.6 3.8a5.4 5.4 0 1 0 6.8 0"/>',
    "questionmark.circle": _RING + _QUESTION,
    "server.rack": '<rect x="2" y="2.4" width="12" height="5" rx="1"/>'
    '<rect x="2" y="8.6" width="12" height="5" rx="1"/><path d="M4.6 5h.1m-.1 6.2h.1"/>',
    "slider.horizontal.3": '<path d="M2 4h12M2 8h12M2 12h12"/><g fill="currentColor"><circle cx="10" cy="4" r="1.3"/>'
    '<circle cx="5" cy="8" r="1.3"/><circle cx="11" cy="12" r="1.3"/></g>',
    "speedometer": _RING + '<path d="m8 8.6 2.6-3M4.4 9h.2m7 0h.2"/>',
    "stethoscope": '<path d="M3 2v4.4c0 4 6 4 6 0V2M6 9.6c0 6 6.6 5.6 6.6 1"/><circle cx="12.6" cy="9" r="1.5"/>',
    "stop.circle": _RING + '<rect x="6" y="6" width="4" height="4" fill="currentColor"/>',
    "sum": '<path d="M12 4V2H3.6L8.4 8l-4.8 6H12v-2"/>',
    "terminal": '<rect x="1.6" y="2.4" width="12.8" height="11.2" rx="1.6"/><path d="m4.2 5.6 2.4 2.2-2.4 2.2M8 '
    '10.6h3.6"/>',
    "text.magnifyingglass": '<path d="M1.6 3h9M1.6 6.4h4M1.6 9.8h3"/><circle cx="9.8" cy="8.8" r="3.2"/>'
    '<path d="m12.2 11.2 2.6 2.8"/>',
    "trash": '<path d="M2.6 4h10.8M6 4V2h4v2m-6.2 0 .6 10h7.2l.6-10M6.8 6.6v5m2.4-5v5"/>',
    "waveform": '<path d="M1.8 7v2m2.5-4v6m2.5-8.6v11.2m2.5-9v6.8m2.5-4.8v2.8M14.3 7.2v1.6"/>',
    "wifi": '<path d="M1.6 6.4c3.6-3.8 9.2-3.8 12.8 0M4 9c2.4-2.6 5.6-2.6 8 0M8 12.2v.1" stroke-width="1.7"/>',
    "xmark": '<path d="m3.4 3.4 9.2 9.2m0-9.2-9.2 9.2"/>',
    "xmark.circle": _RING + _CROSS,
    "xmark.octagon": _OCTAGON + _CROSS,
}
UNKNOWN = '<path d="M8 2.6 13.4 8 8 13.4 2.6 8z"/>'


def drawing(name: str) -> str:
    """Return the shapes of a symbol; of a simpler one where the variant is not drawn; a diamond for an unknown one."""
    while name not in DRAWN:
        shorter = name.rpartition(".")[0]
        if not shorter:
            return UNKNOWN
        name = shorter
    return DRAWN[name]


def svg(name: str) -> str:
    """Return a symbol as inline SVG, silent for screen readers: the words beside it say the same."""
    return f'<svg class="symbol" viewBox="0 0 16 16" aria-hidden="true">{drawing(name)}</svg>'
