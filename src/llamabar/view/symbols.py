"""Look-alikes of SF Symbols as inline SVG, for pages: drawn here, 16 by 16, in the colour of the text beside them."""

from typing import Dict

_RING = '<circle cx="8" cy="8" r="6"/>'
_CROSS = '<path d="m5.8 5.8 4.4 4.4m0-4.4-4.4 4.4"/>'
_BANG = '<path d="M8 4.8v3.8m0 2.2v.2"/>'

DRAWN: Dict[str, str] = {
    "arrow.clockwise": '<path d="M13 8a5 5 0 1 1-1.6-3.7M13.4 2v3h-3"/>',
    "arrow.down.to.line": '<path d="M8 2.4v8M5 7.6l3 3 3-3M3 13.6h10"/>',
    "arrow.up.arrow.down": '<path d="M5 13V3.4M2.6 5.8 5 3.4l2.4 2.4M11 3v9.6m-2.4-2.4 2.4 2.4 2.4-2.4"/>',
    "calendar": '<rect x="2.2" y="3" width="11.6" height="10.6" rx="2"/><path d="M2.4 6.4h11.2M5.4 1.8v2m5.2-2v2"/>',
    "chart.pie": '<circle cx="8" cy="8" r="5.8"/><path d="M8 2.2V8l4.6 3.4"/>',
    "clock": _RING + '<path d="M8 4.4V8l2.4 1.8"/>',
    "doc.on.doc": '<rect x="2.2" y="4.6" width="7.6" height="9.4" rx="1.6"/><path d="M6.2 4.4V2.2h7.6v9.2h-3.6"/>',
    "doc.text": '<rect x="3" y="1.8" width="10" height="12.4" rx="1.8"/><path d="M5.6 5.4h4.8M5.6 8h4.8m-4.8 2.6h3"/>',
    "eject": '<path d="m8 2.8 5.4 6.4H2.6zM3 12.8h10"/>',
    "ellipsis": '<path d="M3.2 8v.1M8 8v.1m4.8-.1v.1" stroke-width="2.2"/>',
    "folder": '<path d="M1.8 12.8V3.6h4.4l1.4 1.6h6.6v7.6z"/>',
    "gear": '<circle cx="8" cy="8" r="4.4"/><circle cx="8" cy="8" r="1.6"/>'
    '<path d="M8 1.4v2m0 9.2v2M1.4 8h2m9.2 0h2M3.3 3.3l1.4 1.4m6.6 6.6 1.4 1.4M3.3 12.7l1.4-1.4m6.6-6.6 1.4-1.4"/>',
    "globe": _RING + '<ellipse cx="8" cy="8" rx="2.6" ry="6"/><path d="M2.2 8h11.6"/>',
    "info": '<path d="M8 7.2v5M8 4v.1" stroke-width="1.8"/>',
    "link":
    '<path d="M6.8 9.2a3 3 0 0 1 0-4.2l1.6-1.6a3 3 0 0 1 4.2 4.2l-.8.8M9.2 6.8a3 3 0 0 1 0 4.2l-1.6 1.6a3 3 0 0'
    ' 1-4.2-4.2l.8-.8"/>',
    "memorychip": '<rect x="1.6" y="4.6" width="12.8" height="6" rx="1.2"/>'
    '<path d="M4.4 7h1.8v1.4H4.4zm5.2 0h1.8v1.4H9.6zM4 10.8v2m2.7-2v2m2.6-2v2m2.7-2v2"/>',
    "network": '<circle cx="8" cy="3.4" r="1.8"/><circle cx="3.4" cy="12.4" r="1.8"/>'
    '<circle cx="12.6" cy="12.4" r="1.8"/><path d="M8 5.2v3M8 8.2l-3.4 2.8M8 8.2l3.4 2.8"/>',
    "person": '<circle cx="8" cy="5" r="2.8"/><path d="M2.6 13.8c.4-6 10.4-6 10.8 0z"/>',
    "pin": '<path d="M6 2h4l-.4 4.4 2.2 2.2H4.2l2.2-2.2zM8 8.8v5"/>',
    "play": '<path d="M4.4 2.6v10.8L13 8z"/>',
    "plus": '<path d="M8 3v10M3 8h10"/>',
    "ruler": '<rect x="1.4" y="5.2" width="13.2" height="5.6" rx="1"/>'
    '<path d="M4.2 5.4v2.2m2.5-2.2v3m2.6-3v2.2m2.5-2.2v3"/>',
    "speedometer": '<path d="M3.6 12.4a6 6 0 1 1 8.8 0M8 8.6l2.8-3.2"/>',
    "square.grid.2x2": '<path d="M2.4 2.4h4.4v4.4H2.4zm6.8 0h4.4v4.4H9.2zM2.4 9.2h4.4v4.4H2.4zm6.8 0h4.4v4.4H9.2z"/>',
    "stethoscope":
    '<path d="M3 2v3.6a3 3 0 0 0 6 0V2M6 8.8v1.6a3.4 3.4 0 0 0 6.8 0V8"/><circle cx="12.8" cy="6.4" r="1.5"/>',
    "stop": '<rect x="3.4" y="3.4" width="9.2" height="9.2" rx="1.4"/>',
    "sum": '<path d="M12 4V2.6H4L8.4 8 4 13.4h8V12"/>',
    "sun.max": '<circle cx="8" cy="8" r="2.8"/>'
    '<path d="M8 1.6v1.6m0 9.6v1.6M1.6 8h1.6m9.6 0h1.6M3.5 3.5l1.1 1.1m6.8 6.8 1.1 1.1M3.5 12.5l1.1-1.1m6.8-6.8'
    ' 1.1-1.1"/>',
    "tag": '<path d="M2.2 2.2h5.4l6.4 6.4-5.4 5.4-6.4-6.4z"/><path d="M5 5v.1" stroke-width="1.9"/>',
    "terminal":
    '<rect x="1.6" y="2.8" width="12.8" height="10.4" rx="1.8"/><path d="m4.2 5.8 2.4 2-2.4 2M8 10.4h3.4"/>',
    "text.alignleft": '<path d="M2.4 3.4h11.2M2.4 6.6h7m-7 3.2h11.2M2.4 13h7"/>',
    "trash": '<path d="M2.6 4h10.8M6 3.8V2.2h4v1.6M3.8 4.2l.8 9.6h6.8l.8-9.6"/>',
    "wrench":
    '<path d="M13.6 5.2a3.6 3.6 0 0 1-4.9 3.3l-5 5a1.4 1.4 0 0 1-2-2l5-5A3.6 3.6 0 0 1 10.8 1.8L8.9 3.7l2.4 2.4z"/>',
    "xmark": '<path d="m3.8 3.8 8.4 8.4m0-8.4-8.4 8.4"/>',
    "arrow.down.circle": _RING + '<path d="M8 4.8v6M5.6 8.6 8 11l2.4-2.4"/>',
    "arrow.up.circle": _RING + '<path d="M8 11.2v-6M5.6 7.4 8 5l2.4 2.4"/>',
    "battery": '<rect x="1" y="4.6" width="12" height="6.8" rx="1.8"/>'
    '<rect x="3" y="6.6" width="7" height="2.8" fill="currentColor"/><path d="M15 7.2v1.6"/>',
    "circle": _RING,
    "circle.dotted": '<circle cx="8" cy="8" r="6" stroke-dasharray="0.1 3.04" stroke-width="1.9"/>',
    "circle.inset.filled": _RING + '<circle cx="8" cy="8" r="3" fill="currentColor"/>',
    "exclamationmark.octagon": '<path d="M5.6 2h4.8L14 5.6v4.8L10.4 14H5.6L2 10.4V5.6z"/>' + _BANG,
    "exclamationmark.triangle": '<path d="M8 2.2 14.6 13.6H1.4z"/><path d="M8 6.6v3m0 1.9v.1"/>',
    "hourglass": '<path d="M4 1.8h8M4 14.2h8M5 1.8c0 3.6 6 5 6 8.6v3.8H5v-3.8c0-3.6 6-5 6-8.6z"/>',
    "key": '<circle cx="5" cy="8" r="3"/><path d="M8 8h6.4v3M11.6 8v2.2"/>',
    "questionmark.circle": _RING + '<path d="M6.3 6.4c0-2.3 3.5-2.2 3.4 0-.1 1.2-1.7 1.3-1.7 2.6M8 11v.2"/>',
    "stop.circle": _RING + '<rect x="6" y="6" width="4" height="4" fill="currentColor"/>',
    "text.magnifyingglass": '<path d="M1.6 3h9M1.6 6.4h4M1.6 9.8h3"/><circle cx="9.8" cy="8.8" r="3.2"/>'
    '<path d="m12.2 11.2 2.6 2.8"/>',
    "waveform": '<path d="M1.8 7v2m2.5-4v6m2.5-8.6v11.2m2.5-9v6.8m2.5-4.8v2.8M14.3 7.2v1.6"/>',
    "wifi": '<path d="M1.6 6.4c3.6-3.8 9.2-3.8 12.8 0M4 9c2.4-2.6 5.6-2.6 8 0M8 12.2v.1" stroke-width="1.7"/>',
    "xmark.circle": _RING + _CROSS,
}


def svg(name: str) -> str:
    """Return a symbol as inline SVG, silent for screen readers: the words beside it say the same."""
    return f'<svg class="symbol" viewBox="0 0 16 16" aria-hidden="true">{DRAWN[name]}</svg>'
