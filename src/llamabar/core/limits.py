"""How much of somebody else's text is kept, so that no answer, however absurd, makes the program grow.

What is beyond is left out, and counted where a count can be shown.
"""

MODELS = 2000
REQUESTS = 1000  # in flight
ROWS = 1000  # of finished requests
SLOTS = 256  # of one model server
TEXT_CHARS = 4096  # of one name, path or message
TEXTS = 64  # names of one model
PATHS = 32  # by which one model's answers are calibrated
CLICKS = 200  # that wait for their effect, or were refused
PENDING_EVENTS = 5000  # between the reading thread and the loop
EVENT_BYTES = 16 * 1024 * 1024
EVENT_LINES = 64  # llama-swap sends one
DIGITS = 400  # of a number, the longest that a float has
