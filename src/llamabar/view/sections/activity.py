"""One row with this Mac's memory, CPU and GPU, and one with today's totals."""

from itertools import accumulate
from typing import Iterator, List, Mapping, Optional, Tuple

from llamabar.core import units
from llamabar.core.pressure import Pressure
from llamabar.core.state import loaded
from llamabar.core.totals import Sums, total
from llamabar.view import details, palette, words
from llamabar.view.charts import draw_parts
from llamabar.view.menu import Image, Row
from llamabar.view.scene import Room, Scene, Server, day
from llamabar.view.sections.items import chart, fact, in_terminal, range_tooltip

LISTED = 5  # models with their own row
SHARES = 74  # steps of the bar, one point each


def memory(scene: Scene) -> Optional[Row]:
    """Return the row of this Mac's memory, with what uses it, CPU and GPU in its submenu."""
    first, held = scene.servers[0], _held(scene)
    total_bytes, used_bytes = first.snapshot.host.memory_total_bytes, first.figures.used_bytes
    if not held and (not total_bytes or used_bytes is None):
        return None
    each_bytes = tuple(used for _, _, used in held)
    children = (*_models(held), *_processors(scene))
    said = units.size(sum(each_bytes))
    if used_bytes is not None and total_bytes:
        none = all(server.snapshot.connected and not loaded(server.snapshot) for server in scene.servers)
        measured = bool(held) or none
        said = words.of(*units.part_and_total(used_bytes, total_bytes))
        children = (*_parts(scene, each_bytes if measured else None, used_bytes, total_bytes), *children)
    short = words.PRESSURES.get(first.snapshot.host.pressure or Pressure.NORMAL)
    if short is None:
        return Row(words.MEMORY, said, palette.MEMORY, children=children, ambient=True)
    said = words.joined(said, short)
    return Row(words.MEMORY, said, palette.FAILED, children=children, warning=True, ambient=True)


def _held(scene: Scene) -> List[Tuple[Server, str, float]]:
    there = [server for server in scene.servers if server.snapshot.connected]
    return [(server, one, used) for server in there for one, used in sorted(server.figures.memory_bytes.items())]


def _parts(
    scene: Scene, each_bytes: Optional[Tuple[float, ...]], used_bytes: float, total_bytes: int
) -> Tuple[Row, ...]:  # fmt: skip
    """Return rows for the memory used by models, used by other programs, and free. None means unknown."""
    models_bytes = sum(each_bytes or ())
    other_bytes = max(0.0, used_bytes - models_bytes)
    shares = _shares((*(each_bytes or ()), other_bytes), total_bytes)
    image = Image(draw_parts(shares[:-1], shares[-1]), shares) if scene.room >= Room.CHARTS else None
    free = fact(palette.MEMORY, words.FREE, units.size(max(0.0, total_bytes - used_bytes)), ambient=True)
    if each_bytes is None:
        return (Row(words.IN_USE, units.size(used_bytes), palette.MEMORY, image=image, ambient=True), free)
    return (
        Row(words.MODELS, units.size(models_bytes), palette.MEMORY, image=image, ambient=True),
        fact(palette.MORE, words.OTHER_PROGRAMS, units.size(other_bytes), ambient=True),
        free,
    )


def _shares(parts_bytes: Tuple[float, ...], total_bytes: int) -> Tuple[float, ...]:
    """Return each part's share in steps of the bar, rounded so that errors don't add up."""
    ends = [round(sum_bytes / total_bytes * SHARES) for sum_bytes in accumulate(parts_bytes)]
    return tuple((end - start) / SHARES for start, end in zip((0, *ends), ends))


def _models(held: List[Tuple[Server, str, float]]) -> Iterator[Row]:
    """Yield a row for each of the first models, in the bar's order. A single one has all that models use."""
    for server, model_id, used_bytes in held[:LISTED] if len(held) > 1 else ():
        yield fact(palette.NAME, server.short_label(model_id), units.size(used_bytes), ambient=True)
    more = held[LISTED:]
    if more:
        said = words.joined(words.counted(len(more), "model"), units.size(sum(used for _, _, used in more)))
        yield fact(palette.MORE, words.LEFT_OUT, said, ambient=True)


def _processors(scene: Scene) -> Iterator[Row]:
    server = scene.servers[0]
    figures, host = server.figures, server.snapshot.host
    power = f"{host.gpu_power_w:.0f} W" if host.gpu_power_w else ""
    told = ((words.CPU, figures.cpu_ratio, "cpu_ratio", ""), (words.GPU, figures.gpu_ratio, "gpu_ratio", power))
    for label, ratio, reading, more in told:
        if ratio is not None:
            image = chart(server, scene, reading, ceiling=1.0)
            tooltip = range_tooltip(server, scene, reading, units.percent)
            said = words.joined(units.percent(ratio), more)
            yield Row(label, said, palette.SPEED, image=image, tooltip=tooltip, ambient=True)


def today(server: Server, scene: Scene) -> Optional[Row]:
    """Return today's totals; if the requests' day is unknown, the server's own counts."""
    snapshot, totals = server.snapshot, server.totals
    if not scene.today or (snapshot.rows_total and not totals.any):
        tokens = snapshot.generated_tokens_total if snapshot.tokens_known else None
        said = words.totals(snapshot.rows_total or 0, tokens)
        return fact(palette.TODAY, words.FINISHED, said) if snapshot.rows_total else None
    if not totals.any:
        return None
    models = day(server, scene)
    whole = total(models.values())
    missed = totals.told.day == scene.today and not totals.told.complete
    said = words.totals(whole.requests, whole.generated_tokens, missed=missed)
    earlier = in_terminal(server, palette.HISTORY, words.HISTORY, "history")
    return Row(words.TODAY, said, palette.TODAY, children=(*_by_model(server, models), earlier))


def _by_model(server: Server, models: Mapping[str, Sums]) -> Iterator[Row]:
    """Yield rows for the models with the most requests, and one for the others; a single one has the day's totals."""
    ordered = sorted(models.items(), key=lambda pair: -pair[1].requests)
    for model, sums in ordered[:LISTED]:
        totals = details.totals(sums) if len(models) > 1 else ""
        said = words.joined(totals, details.typical(sums), details.first_token(sums))
        if said:
            yield fact(palette.NAME, server.short_label(model), said)
    others = total(sums for _, sums in ordered[LISTED:])
    if others.requests:
        count, said = len(models) - LISTED, details.totals(others)
        yield fact(palette.MORE, words.LEFT_OUT, words.joined(words.counted(count, "model"), said))
