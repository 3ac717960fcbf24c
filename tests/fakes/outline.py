"""A menu as text that a person can read in a diff: symbol, label, value, and what a row opens or runs."""

from llamabar.view.menu import SEPARATOR

BLOCKS = "▁▂▃▄▅▆▇█"


def outline(menu):
    """Return the lines of a menu, submenus below their rows, each row with its symbol or its chart."""
    found = [" ".join(part for part in (menu.title.symbol, repr(menu.title.text)) if part)]
    for section in menu.sections:
        found.append("─" * 40)
        for row in section:
            found += _lines(row, 0)
    return found


def blocks(values, width):
    """Return the newest points as block characters; a space for a gap."""
    return "".join(" " if value is None else BLOCKS[round(value * (len(BLOCKS) - 1))] for value in values[-width:])


def _lines(row, depth, mark=""):
    if row is SEPARATOR:
        return ["    " * depth + "-----"]
    picture = f"[{blocks(row.image.values, 12)}]" if row.image is not None else row.symbol
    value = f"  ({row.value})" if row.value else ""
    notes = "".join(f"  {sign}" for sign in (mark, "✓" * row.checked, "warning" * row.warning) if sign)
    tooltip = f"  “{row.tooltip}”" if row.tooltip else ""
    found = [f"{'    ' * depth}{picture} {row.label}{value}{notes}{tooltip}".rstrip()]
    for child in row.children:
        found += _lines(child, depth + 1)
    if row.alternate is not None:
        found += _lines(row.alternate, depth, "⌥")
    return found
