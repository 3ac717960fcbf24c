"""Which program sends a request, from its User-Agent: the program's name and nothing else of that header."""

import re
from functools import lru_cache

_COMMENTS = re.compile(r"\([^()]*\)")
_OF_ENGINES = ("Mozilla", "AppleWebKit", "Gecko", "Version", "Mobile", "Safari", "Chrome", "Electron", "KHTML,", "like")
_BROWSERS = {"Edg": "Edge", "OPR": "Opera"}
_LONGEST_CHARS = 40


@lru_cache(maxsize=256)  # each event of a request repeats it
def client_name(user_agent: str) -> str:
    """Return a program's name: "Zed" for "Zed/0.150 (macos)"; for one built on a browser engine, its own name.

    Return "" if the header is empty.
    """
    products = [word.partition("/")[0] for word in _COMMENTS.sub(" ", user_agent[:500]).split()]
    if products[:1] != ["Mozilla"]:
        name = _COMMENTS.sub(" ", user_agent[:500]).partition("/")[0].strip()
    else:
        own = [product for product in products if product not in _OF_ENGINES]
        name = (own or [one for one in ("Chrome", "Safari") if one in products] or ["Mozilla"])[0]
    return _BROWSERS.get(name, name)[:_LONGEST_CHARS]
