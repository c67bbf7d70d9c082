"""One module per sub-command: add_parser(commands) declares it, run(arguments) returns a status."""
