"""sw_vers: name, version and build of macOS."""

from tests.mac.call import Call

RELEASES = {12: ("12.7.6", "21H1320"), 15: ("15.7.1", "24G231"), 26: ("26.1", "25B78"), 27: ("27.0", "26A428")}


def run(call: Call) -> int:
    """Return 0."""
    major = call.load("options.json", {})["macos"]
    version, build = RELEASES.get(major, (f"{major}.0", "00A000"))
    rows = {"ProductName": "macOS", "ProductVersion": version, "BuildVersion": build}
    asked = [word.lstrip("-").lower() for word in call.arguments]
    for name, value in rows.items():
        if not asked:
            call.out(f"{name}:\t\t{value}")
        elif name.lower() in asked:
            call.out(value)
    return 0
