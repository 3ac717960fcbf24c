"""How to install and upgrade llama-swap here, depending on where its program is."""

from typing import Dict

from llamabar.doctor.checks.facts import Facts

RELEASES = "open https://github.com/mostlygeek/llama-swap/releases/latest"
INSTALL = "brew tap mostlygeek/llama-swap && brew install llama-swap"
UPGRADES: Dict[str, str] = {
    "homebrew": "brew upgrade llama-swap",
    "macports": "sudo port selfupdate && sudo port upgrade llama-swap",
    "nix-darwin": "nix flake update && sudo darwin-rebuild switch --flake .",
    "nix": "nix profile upgrade llama-swap",
    "go": "go install github.com/mostlygeek/llama-swap@latest",
}


def install(facts: Facts) -> str:
    """Return the command that installs llama-swap."""
    return INSTALL if facts.packages.homebrew else RELEASES


def upgrade(facts: Facts, *, local: bool = True) -> str:
    """Return the command that upgrades llama-swap; for another computer, the releases page."""
    return UPGRADES.get(facts.packages.origin, RELEASES) if local else RELEASES
