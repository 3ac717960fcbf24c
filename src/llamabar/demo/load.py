"""Simulated users of the built-in llama-swap: a minute that shows every state once, repeated.

A load, a prompt, two answers at once and a request that waits, a swap, a model that fails, one that unloads when idle,
and one whose server crashes in the middle of an answer.
"""

import http.client
import json
import random
import threading
from typing import Any, Callable, Dict, List, Tuple
from urllib.parse import urlsplit

Step = Tuple[float, str, int, int]  # wait before it (s), model, tokens to generate, words in the prompt
CRASH = -1  # instead of tokens: the model's server is killed

SCRIPT: List[Step] = [
    (1.0, "qwen3-30b", 160, 40),
    (0.5, "bge-m3", 0, 12),
    (7.0, "qwen3-30b", 240, 2400),
    (0.4, "qwen3-30b", 200, 30),
    (0.4, "qwen3-30b", 120, 30),
    (18.0, "tiny-1b", 400, 200),
    (6.0, "broken-7b", 20, 10),
    (4.0, "qwen3-30b", 180, 600),
    (8.0, "coder-32b", 120, 1000),
    (11.0, "org/vision-12b:q4", 400, 50),
    (5.0, "org/vision-12b:q4", CRASH, 0),
]
PAUSE_S = 5.0  # before it repeats
STEP_S = 0.1


class Users(threading.Thread):
    """Sends the script's requests, each from its own thread, until stopped."""

    def __init__(self, url: str, crash: Callable[[str], None] = lambda _: None) -> None:
        super().__init__(name="made-up users", daemon=True)
        self._address = urlsplit(url).netloc
        self._crash = crash
        self._ending = threading.Event()
        self.paused = False

    def run(self) -> None:
        """Repeat the script."""
        while True:
            for wait_s, model, tokens, words in SCRIPT:
                if not self.waits(wait_s):
                    return
                if tokens == CRASH:
                    self._crash(model)
                else:
                    threading.Thread(target=ask, args=(self._address, model, tokens, words), daemon=True).start()
            if not self.waits(PAUSE_S):
                return

    def waits(self, seconds: float) -> bool:
        """Wait, not counting time while paused; return whether to continue."""
        while seconds > 0 and not self._ending.wait(STEP_S):
            seconds -= 0.0 if self.paused else STEP_S
        return not self._ending.is_set()

    def stop(self) -> None:
        """Stop sending requests."""
        self._ending.set()


def ask(address: str, model: str, tokens: int, words: int, *, path: str = "", **more: Any) -> int:
    """Send a chat (with 0 tokens: an embedding), read the whole answer, and return its status; 0 if it was cut off."""
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
