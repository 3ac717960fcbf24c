"""Look-alikes of SF Symbols as inline SVG, for pages: drawn here, 16 by 16, in the colour of the text beside them."""

from typing import Dict

_RING = '<circle cx="8" cy="8" r="6"/>'
_CROSS = '<path d="m5.8 5.8 4.4 4.4m0-4.4-4.4 4.4"/>'
_BANG = '<path d="M8 4.8v3.8m0 2.2v.2"/>'

DRAWN: Dict[str, str] = {
    "arrow.down.circle": _RING + '<path d="M8 4.8v6M5.6 8.6 8 11l2.4-2.4"/>',
    "arrow.up.circle": _RING + '<path d="M8 11.2v-6M5.6 7.4 8 5l2.4 2.4"/>',
    "battery": '<rect x="1" y="4.6" width="12" height="6.8" rx="1.8"/><rect x="3" y="6.6" width="7" height="2.8" '
    'fill="currentColor"/><path d="M15 7.2v1.6"/>',
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
