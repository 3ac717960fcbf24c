"""What a server was found to be able to do: what `status --json` lists and the menu may offer."""

from enum import Enum


class Capability(str, Enum):
    """One thing that a llama-swap can do, by the name that `status --json` gives it."""

    EVENTS = "events"  # these three every llama-swap with an event stream has (v135, facts section 2)
    LOAD = "load"
    UNLOAD_ALL = "unload_all"
    UNLOAD_ONE = "unload_one"
    CANCEL = "cancel"
    PROFILES = "profiles"
    VERSION = "version"
    WOL_HEALTH = "wol_health"
    PERFORMANCE = "performance"
    GPU = "gpu"
    ACTIVITY = "activity"  # finished requests by fetching
    METRICS = "metrics"  # the same, on older versions
    METRICS_EVENTS = "metrics_events"  # finished requests in the stream
    INFLIGHT_LIST = "inflight_list"  # what is told of requests in flight
    INFLIGHT_BYTES = "inflight_bytes"
    INFLIGHT_COUNT = "inflight_count"
    RUNNING_PROXY = "running_proxy"
    RUNNING_TTL = "running_ttl"
    RUNNING_DETAILS = "running_details"


WITH_EVENTS = frozenset({Capability.EVENTS, Capability.LOAD, Capability.UNLOAD_ALL})
