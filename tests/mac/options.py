"""The options of a Mac: the keywords of Mac(...) and mac.change(...)."""

from typing import Any, Dict

OPTIONS: Dict[str, Any] = {
    "macos": 26,
    "gui": True,  # False: nobody is logged in at the screen
    "lazy": False,  # bootstrap loads but doesn't start
    "lwcr": False,  # a program whose file changed after bootstrap is refused
    "btm": False,  # True or labels: loaded, then removed a moment later
    "btm_denied": False,  # True or labels: bootstrap fails with 5
    "mdm": False,  # True or labels: bootstrap fails with 5, and login loads nothing
    "foreign_volume": False,  # the home isn't on the boot volume
    "kickstart_blocks": True,  # while the program can't be started; False: 0 at once
    "spawn_s": 0,  # how long a start stays in `xpcproxy`
    "seconds_per_second": 1.0,  # of this test, for ThrottleInterval and ExitTimeOut
    "login_items": {},  # label → word: the second block of print-disabled
    "translated": False,  # a Python under Rosetta
}
ODD_USER = "Zoé Doe"
SECRET = "sk-of-this-macs-session"  # in launchd's inherited environment, and therefore in every print
FOLDERS = ("Desktop", "Documents", "Downloads", "Library/Application Support", "Library/Caches", "Library/Logs",
           "Library/Preferences")  # fmt: skip
TOOLS = ("launchctl", "plutil", "defaults", "open", "xattr", "codesign", "pgrep", "security", "pbcopy", "pmset",
         "sw_vers", "sysctl", "caffeinate")  # fmt: skip
ZSH = """# zsh, as far as programs start it: -l reads ~/.zprofile, -i ~/.zshrc, -c runs its text.
shell=/bin/sh
[ -x /bin/bash ] && shell=/bin/bash
while :; do
  case "$1" in
    -*l*) [ -r "$HOME/.zprofile" ] && . "$HOME/.zprofile" ;;
    -*i*) [ -r "$HOME/.zshrc" ] && . "$HOME/.zshrc" ;;
  esac
  case "$1" in
    -*c) shift; exec "$shell" -c "$@" ;;
    -*) shift ;;
    *) exec "$shell" "$@" ;;
  esac
done
"""
