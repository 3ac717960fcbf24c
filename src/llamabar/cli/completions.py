"""What a shell asks to complete a line, and the script that makes it ask: click's, and for bash our own.

click's script for fish cuts a description, and a model's id, at its first comma: ours splits once.
bash splits words at colons, which stand in model ids, and macOS has its version 3.2: so the script sends the whole
line, and takes off what stands before the last colon. Models, requests and profiles are those of the last look.
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
        """Nothing is used that only newer versions have."""

    def get_completion_args(self) -> Tuple[List[str], str]:
        """Return the words of the line that are whole, and the one that is not."""
        line = os.environ.get("COMP_WORDS", "")
        words = split_arg_string(line)[1:]
        return (words, "") if line[-1:].isspace() or not words else (words[:-1], words[-1])


class Fish(FishComplete):
    """fish, with descriptions that have commas."""

    source_template = FishComplete.source_template.replace('string split ","', 'string split --max 1 ","')


def completions(shell: str) -> int:
    """Print the shell completion script."""
    kind = {"bash": Bash, "zsh": ZshComplete, "fish": Fish}[shell]
    say_whole(kind(program, {}, "llamabar", COMPLETION_VARIABLE).source().strip() + "\n")
    return OK


def teach_bash() -> None:
    """Let click answer bash in our way."""
    add_completion_class(Bash, "bash")
