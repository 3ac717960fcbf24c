"""Commands that change something: each does what the menu's item does, through the same code."""

from llamabar import actions
from llamabar.config import Settings
from llamabar.errors import LlamabarError
from llamabar.look import look
from llamabar.sources import clock
from llamabar.view.compose import compose


def perform_token(token: str, settings: Settings) -> int:
    """Do what a token means in the menu as it is now; raise LlamabarError if it means nothing any more."""
    watch = look(settings)
    menu = compose(watch.monitor.scene(now_s=clock.now_s()))
    action = next((action for action in menu.actions() if action.token == token), None)
    if action is None:
        raise LlamabarError("That item is not in the menu any more.", "Open the menu again.")
    server = action.server if action.server in watch.links else next(iter(watch.links))
    failure = actions.perform(action, watch.links[server].client, watch.monitor.servers[server].snapshot)
    if failure:
        raise LlamabarError(f"Could not {action.do.value}: {failure}.")
    return 0
