"""`python -m zippo_desktop` is the program `zippo-desktop`."""

from __future__ import annotations

from zippo_desktop.cli.main import main

if __name__ == "__main__":
    main()
