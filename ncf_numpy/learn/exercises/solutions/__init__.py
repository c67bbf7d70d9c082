"""The exercises, solved: scripts, not modules. An answer is `name = value  # answer: (shape)`."""
