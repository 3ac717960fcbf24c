"""Made-up users of the made-up llama-swap: a loop of about forty seconds that shows everything once."""

import http.client
import json
import random
import threading
from typing import Any, Dict, List, Tuple
from urllib.parse import urlsplit

Step = Tuple[float, str, int, int]  # wait before it (s), model, tokens to generate, words in the prompt

SCRIPT: List[Step] = [
    (1.0, "qwen3-30b", 160, 40),
    (0.5, "bge-m3", 0, 12),
    (7.0, "qwen3-30b", 240, 2400),
    (0.4, "qwen3-30b", 200, 30),
    (0.4, "qwen3-30b", 120, 30),
    (18.0, "tiny-1b", 400, 200),
    (6.0, "broken-7b", 20, 10),
    (4.0, "qwen3-30b", 180, 600),
    (9.0, "coder-32b", 160, 1500),
]


class Users(threading.Thread):
    """Sends the script's requests, each from a thread of its own, until stopped."""

    def __init__(self, url: str) -> None:
        super().__init__(name="made-up users", daemon=True)
        self._address = urlsplit(url).netloc
        self._ending = threading.Event()

    def run(self) -> None:
        """Play the script again and again."""
        while True:
            for wait_s, model, tokens, words in SCRIPT:
                if self._ending.wait(wait_s):
                    return
                threading.Thread(target=ask, args=(self._address, model, tokens, words), daemon=True).start()
            if self._ending.wait(12.0):
                return

    def stop(self) -> None:
        """Send nothing more."""
        self._ending.set()


def ask(address: str, model: str, tokens: int, words: int, *, path: str = "", **more: Any) -> int:
    """Send one chat (or, for no tokens, an embedding), read the answer to its end, and return its status; 0 if cut."""
    said = " ".join(random.choice(("light", "model", "mac", "answer", "slow", "token")) for _ in range(words))
    path = path or ("/v1/chat/completions" if tokens else "/v1/embeddings")
    body: Dict[str, Any] = {"model": model, "max_tokens": tokens, "stream": True, **more}
    body["messages"] = [{"role": "user", "content": said}]
    connection = http.client.HTTPConnection(address, timeout=600)
    try:
        headers = {"Content-Type": "application/json", "User-Agent": "demo/1.0 (made up)"}
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        while answer.read(65536):
            pass
        return answer.status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
