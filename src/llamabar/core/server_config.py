"""The commands in llama-swap's configuration, to tell model servers apart where the API reports no ports (up to v185).

Not a YAML reader: nothing is shown or decided from this text but which of some processes runs which model. It reads
block style only, as in llama-swap's own documentation; of anything else it finds nothing, and nothing is guessed.
"""

import re
from typing import Dict, FrozenSet, Iterable, List, Mapping, Sequence

Words = FrozenSet[str]

_KEY = re.compile(r"(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'#-][^#]*?))\s*:(?:\s+(.*))?$")
_MACRO = re.compile(r"\$\{([\w-]+)\}")
_BETWEEN = re.compile(r"[\s\"',=\[\]{}|>]+")
DEEPEST = 4  # macros within macros
LONGEST = 200_000  # characters of a command


def commands(text: str) -> Dict[str, Words]:
    """Return the words of each model's command, macros filled in; none that the text doesn't tell."""
    top = _entries(text.splitlines())
    macros = {name: "\n".join(lines) for name, lines in _entries(top.get("macros", [])).items()}
    found = {}
    for model_id, lines in _entries(top.get("models", [])).items():
        inner = _entries(lines)
        own = {name: "\n".join(lines) for name, lines in _entries(inner.get("macros", [])).items()}
        command = _filled("\n".join(inner.get("cmd", [])), {**macros, **own, "MODEL_ID": model_id})
        found[model_id] = words([command])
    return {model_id: said for model_id, said in found.items() if said}


def words(texts: Iterable[str]) -> Words:
    """Return the words of a command line; the text given to `sh -c` is split, too."""
    return frozenset(word for text in texts for word in _BETWEEN.split(text) if word)


def matches(commands: Mapping[str, Words], processes: Sequence[Words]) -> Dict[str, int]:
    """Return the position of each model's process: the only one with words that no other model's command has.

    A process with such words of two models, and a model with two such processes, match nothing.
    """
    told: Dict[str, List[int]] = {}
    for position, said in enumerate(processes):
        of = [
            model_id for model_id, own in commands.items()
            if any(word in said for word in own.difference(*(one for it, one in commands.items() if it != model_id)))
        ]  # fmt: skip
        if len(of) == 1:
            told.setdefault(of[0], []).append(position)
    return {model_id: found[0] for model_id, found in told.items() if len(found) == 1}


def _entries(lines: Sequence[str]) -> Dict[str, List[str]]:
    """Return the lines below each key of a block, the rest of the key's own line first."""
    found: Dict[str, List[str]] = {}
    depth, current = None, None
    for line in lines:
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        indent = len(line) - len(line.lstrip())
        depth = indent if depth is None else depth
        key = _KEY.match(bare) if indent == depth else None
        if key is not None:
            name = next(part for part in key.groups()[:3] if part is not None)
            current = found.setdefault(name, [])
            current.extend([key[4]] if key[4] else [])
        elif indent > depth and current is not None:
            current.append(line)
        elif indent < depth:
            break
    return found


def _filled(command: str, macros: Mapping[str, str]) -> str:
    for _ in range(DEEPEST):
        filled = _MACRO.sub(lambda found: macros.get(found[1], found[0]), command)
        if filled == command or len(filled) > LONGEST:
            break
        command = filled
    return command
