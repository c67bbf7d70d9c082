"""A new command is one module with `add_parser` and `run`, and its name in COMMANDS."""

from types import SimpleNamespace

from ncf_numpy import __main__ as command_line


def add_parser(commands):
    parser = commands.add_parser("count", help="count the letters of a word")
    parser.add_argument("word")
    parser.set_defaults(run=run)


def run(arguments):
    if not arguments.word.isalpha():
        raise ValueError(f"expected letters only, got {arguments.word!r}")
    print(len(arguments.word))
    return 0


def test_it_is_listed_runs_and_its_errors_are_one_sentence(monkeypatch, capsys):
    count = SimpleNamespace(add_parser=add_parser)
    monkeypatch.setattr(command_line, "COMMANDS", (*command_line.COMMANDS, count))
    assert "count the letters" in command_line.build_parser().format_help()
    assert command_line.main(["count", "seven"]) == 0
    assert capsys.readouterr().out == "5\n"
    assert command_line.main(["count", "5"]) == 1
    assert capsys.readouterr().err == "count: expected letters only, got '5'\n"
