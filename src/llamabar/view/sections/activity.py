"""How fast, how much memory, how busy: each as words and, where it moves, as a picture of five minutes."""

from typing import List, Optional, Tuple

from llamabar.core import readings, units
from llamabar.core.history import known, series
from llamabar.core.speed import Reading
from llamabar.core.state import Host, loaded
from llamabar.view import words
from llamabar.view.menu import Image, Level, Row
from llamabar.view.scene import Server
from llamabar.view.sparkline import POINTS, draw, scaled


def rows(server: Server, *, now_s: float) -> Tuple[Row, ...]:
    """Return speed, memory, CPU and totals; a row that has nothing to say is not there."""
    found = (_speed(server, now_s), _memory(server, now_s), _cpu(server, now_s), _totals(server))
    return tuple(row for row in found if row is not None)


def _speed(server: Server, now_s: float) -> Optional[Row]:
    snapshot = server.snapshot
    reading = readings.total_generation(snapshot, now_s=now_s)
    last = readings.newest_last(snapshot)
    if reading is None and last is None and not known(server.history, "generation_tps"):
        return None
    said = words.speed(reading or last) + ("" if reading else _age_words(last, now_s))
    image = _image(server, "generation_tps", now_s)
    return Row(f"Speed: {said}", image=image, children=_speed_details(server), tooltip=words.FIVE_MINUTES)


def _age_words(last: Optional[Reading], now_s: float) -> str:
    return "" if last is None or not last.at_s else f", {words.ago(now_s - last.at_s)}"


def _speed_details(server: Server) -> Tuple[Row, ...]:
    found: List[Row] = []
    timed = known(server.history, "generation_tps")
    if timed:
        middle, best = units.rate(readings.median(timed)), units.rate(max(timed))
        found.append(Row(f"Generation: median {middle}, best {best} tok/s {words.FIVE_MINUTES}", level=Level.QUIET))
    prompts = [tps for tps in (readings.prompt_tps(row) for row in server.snapshot.rows) if tps]
    if prompts:
        middle = units.rate(readings.median(prompts))
        found.append(
            Row(f"Prompt: median {middle} tok/s of {units.plural(len(prompts), 'request')}", level=Level.QUIET)
        )
    return tuple(found)


def _memory(server: Server, now_s: float) -> Optional[Row]:
    host = server.snapshot.host
    by_model = [(model.id, model.memory_bytes) for model in loaded(server.snapshot) if model.memory_bytes]
    said = [f"models {units.size(sum(used for _, used in by_model))}"] if by_model else []
    said += [_mac_words(host)] if host.memory_total_bytes else []
    if not said:
        return None
    ceiling = float(host.memory_total_bytes) if host.memory_total_bytes else None
    image = _image(server, "memory_bytes", now_s, ceiling=ceiling)
    return Row(f"Memory: {', '.join(said)}", image=image, ambient=True)


def _mac_words(host: Host) -> str:
    return f"computer {units.of_total(host.memory_used_bytes, host.memory_total_bytes or 0)}"


def _cpu(server: Server, now_s: float) -> Optional[Row]:
    ratio = server.snapshot.host.cpu_ratio
    if ratio is None:
        return None
    image = _image(server, "cpu_ratio", now_s, ceiling=1.0)
    return Row(f"CPU: {units.percent(ratio)}", image=image, ambient=True)


def _totals(server: Server) -> Optional[Row]:
    snapshot = server.snapshot
    if not snapshot.rows_total:
        return None
    tokens = f", {units.count(snapshot.generated_tokens_total)} tokens generated" if snapshot.tokens_known else ""
    return Row(f"Finished: {units.plural(snapshot.rows_total, 'request')}{tokens}")


def _image(server: Server, reading: str, now_s: float, ceiling: Optional[float] = None) -> Image:
    values = scaled(series(server.history, reading, points=POINTS, now_s=now_s), ceiling=ceiling)
    return Image(draw(values), values)
