"""sysctl: the names that programs ask a Mac for; a test may set more."""

from tests.mac.call import Call

VALUES = {
    "hw.optional.arm64": 1, "hw.memsize": 34359738368, "hw.ncpu": 10, "hw.model": "Mac16,10", "hw.pagesize": 16384,
    "machdep.cpu.brand_string": "Apple M4", "kern.ostype": "Darwin", "vm.loadavg": "{ 1.52 1.61 1.70 }",
    "vm.swapusage": "total = 1024.00M  used = 0.00M  free = 1024.00M  (encrypted)", "vm.page_free_count": 262144,
    "kern.memorystatus_vm_pressure_level": 1, "kern.memorystatus_level": 80, "iogpu.wired_limit_mb": 0,
}  # fmt: skip


def run(call: Call) -> int:
    """Return 0, or 1 when a name is unknown."""
    code, bare = 0, "-n" in call.arguments
    own = {"sysctl.proc_translated": int(call.load("options.json", {})["translated"])}
    known = {**VALUES, **own, **call.load("sysctl.json", {})}
    for name in [word for word in call.arguments if not word.startswith("-")]:
        if name in known:
            call.out(f"{known[name]}" if bare else f"{name}: {known[name]}")
        else:
            code = call.err(f"sysctl: unknown oid '{name}'")
    return code
