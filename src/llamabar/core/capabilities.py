"""What a server was found to support: `status --json` lists it, and the menu offers only that."""

from enum import Enum


class Capability(str, Enum):
    """One feature of a llama-swap, by its name in `status --json`."""

    EVENTS = "events"  # every llama-swap with an event stream has these three (v135, facts section 2)
    LOAD = "load"
    UNLOAD_ALL = "unload_all"
    UNLOAD_ONE = "unload_one"
    CANCEL = "cancel"
    PROFILES = "profiles"
    VERSION = "version"
    WOL_HEALTH = "wol_health"
    PERFORMANCE = "performance"
    GPU = "gpu"
    ACTIVITY = "activity"  # finished requests, fetched
    METRICS = "metrics"  # the same, on older versions
    METRICS_EVENTS = "metrics_events"  # finished requests, in the stream
    INFLIGHT_LIST = "inflight_list"  # how requests in flight are reported
    INFLIGHT_BYTES = "inflight_bytes"
    INFLIGHT_COUNT = "inflight_count"
    RUNNING_PROXY = "running_proxy"
    RUNNING_TTL = "running_ttl"
    RUNNING_DETAILS = "running_details"


WITH_EVENTS = frozenset({Capability.EVENTS, Capability.LOAD, Capability.UNLOAD_ALL})
