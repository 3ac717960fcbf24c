"""SwiftBar as this project knows it: its line rules, its menu tree, how it updates an open menu, its reads.

Written from the facts and compared with recorded answers of SwiftBar's own parser (tests/recordings/swiftbar). Text is
handled in characters as Swift counts them: a letter with its marks and joiners is one.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple

NEWLINES = re.compile("\r\n|[\n\r\v\f\x85\u2028\u2029]")
BLANKS = " \t"
SPACES = "\t" + "".join(chr(code) for code in range(0x3100) if unicodedata.category(chr(code)) == "Zs")
SEPARATOR = "~~~"


def characters(text: str) -> List[str]:
    """Return the text as Swift's characters: what extends a character belongs to it."""
    found: List[str] = []
    for char in text:
        joined = found and (extends(char) or (found[-1].endswith("\u200d") and not found[-1][0].isspace()))
        if joined and found[-1] not in ("\n", "\r", "\r\n"):
            found[-1] += char
        else:
            found.append(char)
    return found


def extends(char: str) -> bool:
    """Tell whether a code point extends the character before it."""
    return unicodedata.category(char) in ("Mn", "Me", "Mc") or char == "\u200d" or "\ufe00" <= char <= "\ufe0f"


def parse_line(line: str) -> Tuple[str, Dict[str, str]]:
    """Return the raw title and the parameters of a line."""
    chars = characters(line)
    if "|" not in chars:
        return line, {}
    at = chars.index("|")
    return "".join(chars[:at]), parse_params(strip_blanks("".join(chars[at + 1 :])))


def strip_blanks(text: str) -> str:
    """Trim as CharacterSet.whitespaces does: tab and every Unicode space."""
    return text.strip(SPACES)


def parse_params(text: str) -> Dict[str, str]:
    """Return key=value pairs; values may be quoted, and a backslash in them is kept with its character."""
    chars, at, params = characters(text), 0, {}
    while True:
        while at < len(chars) and chars[at] in BLANKS:
            at += 1
        start = at
        while at < len(chars) and chars[at] != "=":
            at += 1
        if at >= len(chars):
            return params
        key = strip_blanks("".join(chars[start:at])).lower()
        at += 1
        while at < len(chars) and chars[at] in BLANKS:
            at += 1
        value, at = parse_value(chars, at)
        params[key] = value


def parse_value(chars: List[str], at: int) -> Tuple[str, int]:
    """Return a value that starts at a position, and the position after it."""
    if at < len(chars) and chars[at] in "\"'":
        quote, value, escaped = chars[at], "", False
        at += 1
        while at < len(chars):
            char = chars[at]
            at += 1
            if escaped:
                value, escaped = f"{value}\\{char}", False
            elif char == "\\":
                escaped = True
            elif char == quote:
                return value, at
            else:
                value += char
        return value, at
    start = at
    while at < len(chars) and chars[at] not in BLANKS:
        at += 1
    return "".join(chars[start:at]), at


def shown(title: str, params: Dict[str, str]) -> str:
    """Return the title as displayed: trimmed, \\n and \\t resolved, a lone backslash removed."""
    text = title if params.get("trim", "").lower() == "false" else strip_blanks(title)
    found, escaped = "", False
    for char in characters(text):
        if not escaped and char == "\\":
            escaped = True
            continue
        found += {"n": "\n", "t": "\t"}.get(char, char) if escaped else char
        escaped = False
    return found


@dataclass
class Item:
    """One item of a menu."""

    line: str
    level: int
    separator: bool
    title: str = ""
    params: Dict[str, str] = field(default_factory=dict)
    children: List["Item"] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Return the text as displayed."""
        return shown(self.title, self.params)

    @property
    def bash(self) -> Optional[str]:
        return self.params.get("bash", self.params.get("shell"))

    @property
    def args(self) -> List[str]:
        keys = sorted((key for key in self.params if key.startswith("param")), key=natural)
        return [self.params[key] for key in keys]

    @property
    def has_action(self) -> bool:
        return (
            bool({"href", "bash", "shell", "stdin"} & set(self.params))
            or self.params.get("refresh", "").lower() == "true"
        )

    @property
    def key(self) -> Tuple[Any, ...]:
        """Return the key by which 2.1 recognizes the row in an open menu."""
        if self.separator:
            return (True, False, None, "", False)
        image = "image" in self.params or "templateimage" in self.params
        return (False, image, self.params.get("font"), title_key(self.title), bool(self.children))


def natural(text: str) -> Tuple[Any, ...]:
    """Return a sort key like the Finder's: numbers by value."""
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", text) if part)


def title_key(title: str) -> str:
    """Return a title up to and including its first colon, else its first word."""
    chars = characters(strip_blanks(title))
    if ":" in chars:
        return "".join(chars[: chars.index(":") + 1])
    word = []
    for char in chars:
        if char.isspace():
            break
        word.append(char)
    return "".join(word)


def split_frame(content: str) -> Tuple[List[str], List[str]]:
    """Return header lines and body lines; the body starts at the first line that starts with three dashes."""
    lines = [line for line in NEWLINES.split(content) if line]
    at = next((index for index, line in enumerate(lines) if line.startswith("---")), len(lines))
    return lines[:at], lines[at:]


def parse_menu(content: str) -> Tuple[List[str], List[Item]]:
    """Return the header lines and the tree of items of a frame."""
    header, body = split_frame(content)
    root = Item("", -1, False)
    stack = [root]
    for line in body:
        item = parse_item(line)
        if not item.separator and item.params.get("dropdown", "").lower() == "false":
            continue
        while len(stack) > 1 and stack[-1].level >= item.level:
            stack.pop()
        stack[-1].children.append(item)
        stack.append(item)
    return header, root.children


def parse_item(line: str) -> Item:
    """Return one body line as an item without children."""
    level, working = 0, line
    if line != "---":
        while characters(working)[:2] == ["-", "-"]:
            working, level = working[2:], level + 1
            if working == "---":
                break
    if working == "---":
        return Item(line, level, True)
    title, params = parse_line(working)
    return Item(line, level, False, title, params)


def diff(old: str, new: str) -> Dict[str, Any]:
    """Return what 2.1 does to an open menu to get from one frame to another."""
    old_header, old_items = parse_menu(old)
    new_header, new_items = parse_menu(new)
    changes: List[Dict[str, str]] = []
    diff_items(old_items, new_items, "", changes)
    return {"changes": changes, "rebuild": len(old_header) != len(new_header)}


def diff_items(old: List[Item], new: List[Item], path: str, changes: List[Dict[str, str]]) -> None:
    """Append the changes of one level and those below it."""
    removed, inserted, pairs = match(tags(old), tags(new))
    for index in sorted(removed, reverse=True):
        changes.append({"at": f"{path}{index}", "do": "remove"})
    for index, item in enumerate(new):
        if index in inserted:
            changes.append({"at": f"{path}{index}", "do": "insert"})
        elif index in pairs:
            before = old[pairs[index]]
            if before != item:
                if before.line != item.line:
                    changes.append({"at": f"{path}{index}", "do": "update"})
                diff_items(before.children, item.children, f"{path}{index}.", changes)


def tags(items: List[Item]) -> List[Tuple[Any, ...]]:
    """Return keys made unique by counting."""
    counts: Dict[Any, int] = {}
    found = []
    for item in items:
        counts[item.key] = counts.get(item.key, -1) + 1
        found.append((item.key, counts[item.key]))
    return found


def match(old: List[Any], new: List[Any]) -> "tuple[set[int], set[int], dict[int, int]]":
    """Return removed, inserted, and new → old for the rest; a real move is a removal and an insertion."""
    removed, inserted = myers(old, new)
    moved = {index: next((n for n in inserted if new[n] == old[index]), None) for index in removed}
    moved = {index: target for index, target in moved.items() if target is not None}
    pairs = stationary(len(old), len(new), removed, inserted)
    together = sorted([*pairs, *((n, o) for o, n in moved.items())], key=lambda pair: pair[1])
    if all(a[0] < b[0] for a, b in zip(together, together[1:])):
        removed = removed - set(moved)
        inserted = inserted - set(moved.values())
        pairs = together
    return removed, inserted, dict(pairs)


def stationary(old_count: int, new_count: int, removed: "set[int]", inserted: "set[int]") -> List[Tuple[int, int]]:
    """Return (new, old) of the items that stay, in order."""
    olds = [index for index in range(old_count) if index not in removed]
    news = [index for index in range(new_count) if index not in inserted]
    return list(zip(news, olds))


def myers(old: List[Any], new: List[Any]) -> "tuple[set[int], set[int]]":
    """Return removed and inserted offsets of a shortest edit, with the tie-breaks of Swift's CollectionDifference."""
    n, m = len(old), len(new)
    v: Dict[int, int] = {1: 0}
    trace: List[Dict[int, int]] = []
    for d in range(n + m + 1):
        trace.append(dict(v))
        done = False
        for k in range(-d, d + 1, 2):
            x = v[k + 1] if k == -d or (k != d and v[k - 1] < v[k + 1]) else v[k - 1] + 1
            y = x - k
            while x < n and y < m and old[x] == new[y]:
                x, y = x + 1, y + 1
            v[k] = x
            if x >= n and y >= m:
                done = True
                break
        if done:
            break
    removed, inserted = set(), set()
    x, y = n, m
    for d in range(len(trace) - 1, 0, -1):
        before = trace[d]
        k = x - y
        previous = k + 1 if k == -d or (k != d and before[k - 1] < before[k + 1]) else k - 1
        px = before[previous]
        py = px - previous
        while x > px and y > py:
            x, y = x - 1, y - 1
        if y != py:
            inserted.add(py)
        else:
            removed.add(px)
        x, y = px, py
    return removed, inserted


class Chunks:
    """What SwiftBar shows of a streaming plugin's output, read by read."""

    def __init__(self, *, trailing: bool, whole_characters: bool) -> None:
        self.trailing = trailing
        self.whole_characters = whole_characters  # since 2.1.0 it waits for the rest of a character split by a read
        self.contents: List[Optional[str]] = []
        self.left = ""
        self._content: Optional[str] = ""
        self._bytes = b""

    def read(self, chunk: bytes) -> None:
        """Take one read of the pipe."""
        text = self._decode(chunk)
        if text is None:
            self.left = ""
            self._set(None)
        elif text:
            self._take(text)

    def _decode(self, chunk: bytes) -> Optional[str]:
        if not self.whole_characters:
            try:
                return chunk.decode("utf-8")
            except UnicodeDecodeError:
                return None
        data = self._bytes + chunk
        for cut in range(4):
            try:
                text = data[: len(data) - cut].decode("utf-8")
            except UnicodeDecodeError:
                continue
            self._bytes = data[len(data) - cut :]
            return text
        self._bytes = b""
        return data.decode("utf-8", "replace")

    def _take(self, text: str) -> None:
        if "\n" not in text and SEPARATOR in text:
            self.left += text
        elif not self.trailing:
            if SEPARATOR in text:
                self._set(text.split(SEPARATOR)[-1])
            elif self._content is not None:
                self._set(self._content + text)
        elif SEPARATOR in text:
            lines = NEWLINES.split(text)
            for index, line in enumerate(lines):
                if line == SEPARATOR:
                    self._set(self.left)
                    self.left = ""
                    continue
                self.left += line
                if text.endswith("\n") or index < len(lines) - 1:
                    self.left += "\n"
        else:
            self.left += text

    def _set(self, content: Optional[str]) -> None:
        if content != self._content:
            self.contents.append(content)
        self._content = content
