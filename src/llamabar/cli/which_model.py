"""Finds the model a person means: by id, alias or display name, in any case, or by the beginning of one."""

from typing import Callable, Dict, List, Mapping, Sequence, Tuple, TypeVar

from llamabar.cli.program import to_run
from llamabar.core.state import Model, Snapshot
from llamabar.core.units import plural
from llamabar.errors import Code, LlamabarError

MOST_NAMED = 5

Named = TypeVar("Named")
Names = Tuple[str, ...]  # a model's id, then its other names


def names_of(model: Model) -> Names:
    """Return every name of a model, its id first."""
    return tuple(dict.fromkeys(one for one in (model.id, *model.info.aliases, model.info.name) if one))


def models_called(wanted: str, snapshots: Mapping[str, Snapshot]) -> List[Tuple[str, Model]]:
    """Return the model that is meant, with each server that has it; raise LlamabarError if none or several match."""
    there = [(server, model) for server, snapshot in snapshots.items() for model in snapshot.models.values()]
    found = called(wanted, [(one, names_of(one[1])) for one in there])
    if found:
        return found
    guess = likely(wanted, [names_of(model) for _, model in there])
    hint = to_run("To list all models", "models")
    raise LlamabarError(f"No model is called {wanted!r}.{guess}", hint, code=Code.UNKNOWN_MODEL)


def called(wanted: str, there: Sequence[Tuple[Named, Names]]) -> List[Named]:
    """Return those of one id that are meant, [] for none; raise LlamabarError if several ids match."""
    for is_meant in _RULES:
        found = [(one, names[0]) for one, names in there if is_meant(names, wanted)]
        ids = sorted({model_id for _, model_id in found})
        if len(ids) > 1:
            more = f" and {len(ids) - MOST_NAMED} more" if len(ids) > MOST_NAMED else ""
            raise LlamabarError(
                f"{wanted!r} fits {plural(len(ids), 'model')}: {', '.join(ids[:MOST_NAMED])}{more}.",
                "Type more of its name, or its id.", code=Code.AMBIGUOUS_MODEL,
            )  # fmt: skip
        if found:
            return [one for one, _ in found]
    return []


def likely(wanted: str, there: Sequence[Names]) -> str:
    """Return a question that names what was probably meant, with a space before it; "" if nothing is close."""
    import difflib

    known = {name.casefold(): (names[0], name) for names in there for name in names}
    parts = {name.rpartition("/")[2].casefold(): (model_id, name) for model_id, name in known.values()}
    close = difflib.get_close_matches(wanted.casefold(), [*known, *parts], n=3, cutoff=0.5)
    found: Dict[str, str] = {}  # for each model, its closest name
    for model_id, name in (known.get(one) or parts[one] for one in close):
        found.setdefault(model_id, name)
    return f" Did you mean {' or '.join(found.values())}?" if found else ""


def _folded(names: Names) -> List[str]:
    return [name.casefold() for name in names]


_RULES: Tuple[Callable[[Names, str], bool], ...] = (
    lambda names, wanted: names[0] == wanted,
    lambda names, wanted: wanted in names,
    lambda names, wanted: wanted.casefold() in _folded(names),
    lambda names, wanted: any(name.startswith(wanted.casefold()) for name in _folded(names)),
)
