"""How fast, how much memory, how busy: each as words and, where it moves, as a picture of the last minutes."""

from typing import Optional, Tuple

from llamabar.core import readings, units
from llamabar.core.history import known, series
from llamabar.core.phases import Phase, phases
from llamabar.core.speed import Reading
from llamabar.core.state import in_flight
from llamabar.core.totals import FIRST_TOKEN, GENERATION, total
from llamabar.view import words
from llamabar.view.menu import Image, Level, Row
from llamabar.view.scene import Scene, Server
from llamabar.view.sections.actions import in_terminal
from llamabar.view.sparkline import Points, draw, scaled

WAITING = (Phase.QUEUED, Phase.LOADING)
GPU_FRESH_S = 30.0


def rows(server: Server, scene: Scene) -> Tuple[Row, ...]:
    """Return speed, requests, memory, CPU, GPU and totals; a row that has nothing to say is not there.

    This computer is told of once, with the first server.
    """
    here = server is scene.servers[0]
    found = (
        _speed(server, scene), _requests(server, scene), _memory(server, scene, here=here),
        _cpu(server, scene) if here else None, _gpu(server, scene.now_s), _today(server, scene),
    )  # fmt: skip
    return tuple(row for row in found if row is not None)


def _speed(server: Server, scene: Scene) -> Optional[Row]:
    reading, last, best_tps = server.figures.total, readings.newest_last(server.snapshot), server.figures.best_tps
    if reading is not None:
        said = words.speed(reading)
    elif last is not None:
        said = words.speed(last) + (f", {words.ago(scene.now_s - last.at_s)}" if last.at_s else "")
    elif best_tps is not None:
        said = words.BEST.format(units.rate(best_tps), _over(server))
    else:
        return None
    image = _image(server, "generation_tps", scene, second="prompt_tps")
    return Row(f"{words.SPEED}: {said}", image=image, children=_speed_details(server, reading))


def _over(server: Server) -> str:
    history = server.history
    return words.over(len(history.buckets) * history.bucket_s, history.span_s)


def _speed_details(server: Server, reading: Optional[Reading]) -> Tuple[Row, ...]:
    """Return the submenu, never empty: a row that gained or lost its submenu would jump in an open menu."""
    best_tps, spread = server.figures.best_tps, words.NOT_MEASURED
    if best_tps is not None:
        spread = words.spread(reading, middle=server.figures.median_tps, best=best_tps, over=_over(server))
    found = [Row(f"{words.GENERATION}: {spread}", level=Level.QUIET)]
    prompts = [row.prompt_tps for row in server.snapshot.rows if row.prompt_tps]
    if prompts:
        said = words.prompts(readings.median(prompts), len(prompts))
        found.append(Row(f"{words.PROMPT}: {said}", level=Level.QUIET))
    return tuple(found)


def _requests(server: Server, scene: Scene) -> Optional[Row]:
    """Return how many requests there are; not there while none is and the chart shows none."""
    running = in_flight(server.snapshot)
    if not running and not known(server.history, "in_flight"):
        return None
    queued = sum(1 for phase in phases(server.snapshot).values() if phase in WAITING)
    image = _image(server, "in_flight", scene)
    return Row(f"{words.REQUESTS}: {words.active(running, queued)}", image=image)


def _memory(server: Server, scene: Scene, *, here: bool) -> Optional[Row]:
    host = server.snapshot.host
    by_model = server.figures.memory_bytes.values()
    said = [words.OF_MODELS.format(units.size(sum(by_model)))] if by_model else []
    if host.memory_total_bytes and here:
        said.append(f"{words.COMPUTER} {units.of_total(server.figures.used_bytes, host.memory_total_bytes)}")
    if not said:
        return None
    ceiling = float(host.memory_total_bytes) if host.memory_total_bytes else None
    image = _image(server, "memory_bytes", scene, ceiling=ceiling)
    return Row(f"{words.MEMORY}: {', '.join(said)}", image=image, ambient=True)


def _cpu(server: Server, scene: Scene) -> Optional[Row]:
    ratio = server.figures.cpu_ratio
    if ratio is None:
        return None
    image = _image(server, "cpu_ratio", scene, ceiling=1.0)
    return Row(f"{words.CPU}: {units.percent(ratio)}", image=image, ambient=True)


def _gpu(server: Server, now_s: float) -> Optional[Row]:
    """Return the GPU's load as llama-swap tells it; it is asked only while it works, so an old figure is not shown."""
    host = server.snapshot.host
    if host.gpu_ratio is None or host.gpu_at_s is None or now_s - host.gpu_at_s > GPU_FRESH_S:
        return None
    power = f", {host.gpu_power_w:.0f} W" if host.gpu_power_w else ""
    return Row(f"{words.GPU}: {units.percent(server.figures.gpu_ratio)}{power}", ambient=True)


def _today(server: Server, scene: Scene) -> Optional[Row]:
    """Return today's totals; where the day of a request is not known, what the server counts."""
    snapshot, totals = server.snapshot, server.totals
    if not scene.today or (snapshot.rows_total and not totals.any):
        tokens = snapshot.generated_tokens_total if snapshot.tokens_known else None
        return Row(f"{words.FINISHED}: {words.totals(snapshot.rows_total, tokens)}") if snapshot.rows_total else None
    if not totals.any:
        return None
    models = totals.of(scene.today)
    children = tuple(
        Row(f"{server.label(model)}: {words.totals(sums.requests, sums.generated_tokens)}"
            f"{words.typical(sums.percentile(GENERATION), sums.percentile(FIRST_TOKEN))}", level=Level.QUIET)
        for model, sums in models.items()
    )  # fmt: skip
    day = total(models.values())
    missed = totals.told.day == scene.today and not totals.told.complete
    said = words.totals(day.requests, day.generated_tokens, missed=missed)
    earlier = in_terminal(server, words.HISTORY, "history")
    return Row(f"{words.TODAY}: {said}", children=(*children, earlier))


def _image(server: Server, reading: str, scene: Scene, *, ceiling: Optional[float] = None, second: str = "") -> Image:
    values = _scaled(server, reading, scene, ceiling)
    return Image(draw(values, _scaled(server, second, scene, None) if second else (), scene.chart.height_px), values)


def _scaled(server: Server, reading: str, scene: Scene, ceiling: Optional[float]) -> Points:
    values = series(server.history, reading, points=scene.chart.points, now_s=scene.now_s)
    return scaled(values, ceiling=ceiling or server.history.ceilings.get(reading))
