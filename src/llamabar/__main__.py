"""`python -m llamabar`."""

from llamabar.entry import main

main()
