"""Finds the model a person means: by id, alias or display name, in any case, or by the beginning of one."""

from typing import Callable, Dict, List, Mapping, Tuple

from llamabar.cli.program import to_run
from llamabar.core.state import Model, Snapshot
from llamabar.core.units import plural
from llamabar.errors import Code, LlamabarError

MOST_NAMED = 5


def names_of(model: Model) -> Tuple[str, ...]:
    """Return every name of a model, its id first."""
    return tuple(dict.fromkeys(one for one in (model.id, *model.info.aliases, model.info.name) if one))


def models_called(wanted: str, snapshots: Mapping[str, Snapshot]) -> List[Tuple[str, Model]]:
    """Return the model that is meant, with each server that has it; raise LlamabarError if none or several match."""
    there = [(server, model) for server, snapshot in snapshots.items() for model in snapshot.models.values()]
    for is_meant in _RULES:
        found = [(server, model) for server, model in there if is_meant(model, wanted)]
        if found:
            ids = sorted({model.id for _, model in found})
            if len(ids) == 1:
                return found
            more = f" and {len(ids) - MOST_NAMED} more" if len(ids) > MOST_NAMED else ""
            raise LlamabarError(
                f"{wanted!r} fits {plural(len(ids), 'model')}: {', '.join(ids[:MOST_NAMED])}{more}.",
                "Type more of its name, or its id.", code=Code.AMBIGUOUS_MODEL,
            )  # fmt: skip
    hint = to_run("To list all models", "models")
    raise LlamabarError(f"No model is called {wanted!r}.{_guess(wanted, there)}", hint, code=Code.UNKNOWN_MODEL)


def _guess(wanted: str, there: List[Tuple[str, Model]]) -> str:
    import difflib

    known = {name.casefold(): (model.id, name) for _, model in there for name in names_of(model)}
    parts = {name.rpartition("/")[2].casefold(): (model_id, name) for model_id, name in known.values()}
    close = difflib.get_close_matches(wanted.casefold(), [*known, *parts], n=3, cutoff=0.5)
    found: Dict[str, str] = {}  # for each model, its closest name
    for model_id, name in (known.get(one) or parts[one] for one in close):
        found.setdefault(model_id, name)
    return f" Did you mean {' or '.join(found.values())}?" if found else ""


def _folded(model: Model) -> List[str]:
    return [name.casefold() for name in names_of(model)]


_RULES: Tuple[Callable[[Model, str], bool], ...] = (
    lambda model, wanted: model.id == wanted,
    lambda model, wanted: wanted in names_of(model),
    lambda model, wanted: wanted.casefold() in _folded(model),
    lambda model, wanted: any(name.startswith(wanted.casefold()) for name in _folded(model)),
)
