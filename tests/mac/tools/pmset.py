"""pmset -g: the power settings in force; pmset -g batt: where the power comes from."""

from tests.mac.call import Call

SETTINGS = {
    "standby": 1, "Sleep On Power Button": 1, "hibernatefile": "/var/vm/sleepimage", "powernap": 1,
    "networkoversleep": 0, "disksleep": 10, "sleep": 1, "hibernatemode": 3, "ttyskeepawake": 1,
    "displaysleep": 10, "tcpkeepalive": 1, "lowpowermode": 0, "womp": 1,
}  # fmt: skip


def run(call: Call) -> int:
    """Return 0, or 64 for what only root may do."""
    if call.arguments[:1] != ["-g"]:
        return call.err("'pmset' must be run as root...", 64)
    held = call.load("pmset.json", {})
    source = held.pop("source", "AC Power")
    if call.arguments[1:] == ["batt"]:
        call.out(f"Now drawing from '{source}'")
        return 0
    call.out("System-wide power settings:")
    call.out("Currently in use:")
    for name, value in {**SETTINGS, **held}.items():
        call.out(f" {name:<20} {value}")
    return 0
