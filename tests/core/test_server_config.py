"""The commands in llama-swap's configuration."""

import pytest

from llamabar.core.server_config import commands, matches, words

CONFIG = """
# the usual
startPort: 5800
macros:
  latest: /opt/llama-server --port ${PORT}
  quick: >
    ${latest}
    --flash-attn
models:
  "chat:8b":  # a comment
    cmd: ${quick} -m /models/chat.gguf
    ttl: 300
  embed:
    name: "not /models/chat.gguf"
    # cmd: old --embed
    cmd: |
      ${latest}
      -m '/models/embed.gguf' --embedding
  'by id':
    macros:
      file: /models/${MODEL_ID}.gguf
    cmd: "${latest} -m ${file}"
  empty:
groups:
  all:
    members: [chat]
"""


def test_the_words_of_each_command_are_found_with_macros_filled_in():
    found = commands(CONFIG)
    assert set(found) == {"chat:8b", "embed", "by id"}
    assert {"/opt/llama-server", "--port", "--flash-attn", "-m", "/models/chat.gguf"} <= found["chat:8b"]
    assert {"/models/embed.gguf", "--embedding", "-m"} <= found["embed"] and "--embed" not in found["embed"]
    assert {"/models/by", "id.gguf"} <= found["by id"]


ODD = ["", "models: {a: {cmd: x}}", "models:\n- a\n", "models", "[1, 2]", "macros:\n  a: ${a}\n",
       "models:\n\ta:\n\t\tcmd: ${b"]  # fmt: skip


@pytest.mark.parametrize("text", ODD)
def test_of_anything_else_nothing_is_found(text):
    assert commands(text) in ({}, {"a": words(["${b"])})


def test_macros_that_name_themselves_end():
    nested = "macros:\n  a: ${a}${a}${a}${a}\nmodels:\n  m:\n    cmd: ${a}\n"
    assert len(str(commands(nested))) < 1_000_000


def test_a_process_is_the_models_whose_own_words_it_has():
    told = commands(CONFIG)
    chat, embed = words(["/opt/llama-server", "-m", "/models/chat.gguf"]), words(["-c", "x -m /models/embed.gguf"])
    assert matches(told, [embed, chat]) == {"embed": 0, "chat:8b": 1}
    assert matches(told, [words(["/opt/llama-server", "-m"])]) == {}, "words that others have, too"
    assert matches(told, [chat | embed]) == {}, "words of two models"
    assert matches(told, [chat, chat]) == {}, "two processes of one"
    assert matches({"a": words(["x"]), "b": words(["x"])}, [words(["x"])]) == {}, "the same command twice"
