"""Shell completion: the answers, and the scripts that ask for them. They are click's, except for bash and fish.

click's script for fish cuts a description, or a model's id, at its first comma; ours splits only once. bash splits
words at colons, which occur in model ids, and macOS ships bash 3.2; so the script sends the whole line and removes
everything up to the last colon. Models, requests and profiles are those the last command saw.
"""

import os
from typing import List, Tuple

from click.parser import split_arg_string
from click.shell_completion import BashComplete, FishComplete, ZshComplete, add_completion_class

from llamabar.cli.output import say_whole
from llamabar.cli.program import COMPLETION_VARIABLE, OK, program
from llamabar.package_files import text_beside


class Bash(BashComplete):
    """bash of any version."""

    source_template = text_beside(__file__, "completion.bash")

    @staticmethod
    def _check_version() -> None:
        """Do nothing: no feature of newer versions is used."""

    def get_completion_args(self) -> Tuple[List[str], str]:
        """Return the complete words of the line, and the one being completed."""
        line = os.environ.get("COMP_WORDS", "")
        words = split_arg_string(line)[1:]
        return (words, "") if line[-1:].isspace() or not words else (words[:-1], words[-1])


class Fish(FishComplete):
    """fish, with descriptions that contain commas."""

    source_template = FishComplete.source_template.replace('string split ","', 'string split --max 1 ","')


def completions(shell: str) -> int:
    """Print the shell completion script."""
    kind = {"bash": Bash, "zsh": ZshComplete, "fish": Fish}[shell]
    say_whole(kind(program, {}, "llamabar", COMPLETION_VARIABLE).source().strip() + "\n")
    return OK


def teach_bash() -> None:
    """Make click use our class for bash."""
    add_completion_class(Bash, "bash")
