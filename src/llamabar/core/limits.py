"""How much outside text is kept, so that no answer, however absurd, makes the program grow.

The excess is left out, and counted where a count can be shown.
"""

MODELS = 2000
REQUESTS = 1000  # in flight
ROWS = 1000  # of finished requests
ROWS_AT_ONCE = 20_000  # in one answer or event
PROFILES = 500
NAMES = 200  # of models that are counted by name in one day
NAMES_EVER = 5000
KEPT_ROWS = 1_000_000  # of finished requests on disk; older ones stay in the sums of their days
DAYS_WAITING = 32  # days counted in memory while they can't be written
SLOTS = 256  # of one model server
TEXT_CHARS = 4096  # of one name, path or message
TEXTS = 64  # names of one model
PATHS = 32  # request paths for which a model's answers are calibrated
CLICKS = 200  # that wait for their effect, or were refused
PENDING_EVENTS = 5000  # between the reading thread and the loop
PENDING_ROWS = 50_000  # of finished requests, between the two
EVENT_BYTES = 16 * 1024 * 1024
EVENT_LINES = 64  # llama-swap sends one
DIGITS = 400  # of a number, as many as the longest float has
