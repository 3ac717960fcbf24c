"""`python -m llamabar`."""

from llamabar.boot.entry import main

main()
