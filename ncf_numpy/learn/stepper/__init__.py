"""One training step, number by number: its trace, the terminal and the page."""
