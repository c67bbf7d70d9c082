"""The shell's errors name the shell's options: what Python calls k= is --k there."""

import ast
import re
import shlex

import pytest
from snippets import ROOT

from ncf_numpy.__main__ import build_parser, main
from ncf_numpy.commands.messages import in_options

TRAIN = "train --data t.csv --save m.npz"
EVALUATE = "evaluate --data t.csv"
TABLE = "user,item,stars,day\n" + "".join(
    f"u{u},i{i},{1 + (u + i) % 5},{1 + i}/28/2020\n" for u in range(6) for i in range(8) if u != i
)


def parser_of(command):
    return build_parser().parse_args(shlex.split(command)).parser


@pytest.mark.parametrize(
    ("python", "command", "shell"),
    [
        ("k must be at least 1, got 0", "recommend m.npz --all", "--k must be at least 1, got 0"),
        ("pass encoding='cp949'", TRAIN, "pass --encoding cp949"),
        ("such as names=('user', 'item'), or sep=", TRAIN, "such as --names user,item, or --sep"),
        ("user='who', item='what'", TRAIN, "--user-column who, --item-column what"),
        ("user='who'", "step", "--user-column who"),
        ("item_name='title' and quotes=False", TRAIN, "--name-column title and --quotes no"),
        ("date_format='%m/%d %H'", TRAIN, "--date-format '%m/%d %H'"),
        ("rating=COLUMN, min_rating=4", TRAIN, "--rating-column COLUMN, --min-rating 4"),
        ("validation='random'", EVALUATE, "--hold-out random"),
        ("validation=True", TRAIN, "--validation"),
        ("layers must be such as (64, 32); got (3, 2)", TRAIN,
         "--layers must be such as 64,32; got 3,2"),
        ("fold_in(items=[...])", "recommend m.npz --all", "recommend --has ITEM ..."),
        ("no column 'sep=1' but \"k=2\"", EVALUATE, "no column 'sep=1' but \"k=2\""),
        ("an item's name must be one", "similar m.npz --item 3", "an item's name must be one"),
        ("k=3", "vectors m.npz", "k=3"),  # no option there
    ],
)  # fmt: skip
def test_an_argument_of_python_is_the_option_of_the_command(python, command, shell):
    assert in_options(python, parser_of(command)) == shell


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (f"{TRAIN} --min-rating 4 --epochs 0", "--epochs must be"),
        (f"{TRAIN} --min-rating 4 --batch-size 0", "--batch-size must be"),
        (f"{TRAIN} --min-rating 4 --lr -1", "--lr must be"),
        (f"{TRAIN} --min-rating 4 --layers 3,2", "--layers must begin with an even width"),
        (f"{TRAIN} --min-rating 4 --seed -1", "--seed must be"),
        (f"{TRAIN} --min-rating 4 --negatives 0", "--negatives must be"),
        (f"{TRAIN} --min-rating 4 --model itemknn --neighbours 0", "--neighbours must be"),
        (f"{TRAIN} --min-rating 4 --model itemknn --shrink -1", "--shrink must be"),
        (f"{TRAIN} --min-rating 4 --model gmf --shrink 1", "--shrink is an option of itemknn"),
        (f"{TRAIN} --min-rating 4 --min-per-user 99", "--min-per-user 99"),
        (TRAIN, "--rating-column stars, --min-rating 4 keeps"),
        (f"{TRAIN} --count-column stars --min-rating 4", "--min-rating 4.0 is for --rating-column"),
        (f"{TRAIN} --min-rating 4 --timestamp-column day", "--date-format %m/%d/%Y"),
        (f"{TRAIN} --names user,item,stars,day", "leave --names out"),
        (f"{TRAIN} --encoding no-such", "--encoding no-such"),
        (f"{TRAIN} --user-column who", "no column 'who'"),
        (f"{EVALUATE} --min-rating 4 --k 0", "--k must be"),
        ("recommend kept.npz --user nobody", "recommend --has ITEM"),
        ("recommend kept.npz --user u1 --k 0", "--k must be"),
        ("similar kept.npz --user nobody", "recommend --has ITEM"),
        ("recommend kept.npz --has nothing", "the items are 'i0', 'i1', 'i2', ... (8 in all)"),
        (f"{TRAIN} --min-rating 4 --use-counts", "--epochs, --batch-size, --negatives"),
        ("train --data pairs.csv --save m.npz --model itemknn --use-counts",
         "or leave out --use-counts"),
        (f"{TRAIN} --min-rating 4 --branch-weight 2", "--branch-weight must be in [0, 1]"),
        (f"{TRAIN} --user-column item", "--user-column item and --item-column item name the same"),
        ("train --data comma.csv --count-column n --save m.npz",
         "pandas.read_csv('in.csv', sep=';', decimal=',')"),
        ("train --data blanks.txt --names user,item,stars --save m.npz",
         """python -c "import pandas; pandas.read_csv('blanks.txt', sep=r'\\s+', header=None, """
         "names=['user', 'item', 'stars'], dtype=str).to_csv('blanks.csv', index=False)\"; its "
         "first line then is a header, so leave --names out"),
        ("train --data t.parquet --save m.npz",
         """python -c "import pandas; pandas.read_parquet('t.parquet').to_csv('t.csv', """),
        ("train --data old --save m.npz", "give the file of the pairs, or the folder"),
        ("train --dataset sample --sep tab --save m.npz", "does not apply to --dataset sample"),
        ("train --data t.csv --min-rating all --model gmf --epochs 1 --factors 2 --save g.npz "
         "--resume", "g.npz.checkpoint was trained with --seed 1, this run has --seed 0: resume "
         "with --seed 1"),
        (f"{EVALUATE} --min-rating all --test pairs.csv", "--test needs the columns of --data"),
        ("step --data t.csv --min-rating all --model gmf --layers 8,4", "--layers is not an"),
        ("step --data t.csv --min-rating all --model mlp --factors 4", "--factors is not an"),
        ("step --data t.csv --min-rating all --loss bpr --batch 3", "such as --batch 4"),
        ("step --data t.csv --min-rating all --batch 2", "--batch must be an integer"),
        ("exercise 1 --folder t.csv", "t.csv: it is a file, not a folder"),
        ("download ml-1m --folder t.csv", "t.csv: it is a file, not a folder"),
        ("recommend t.csv --user 1", "(File is not a zip file)"),
    ],
)  # fmt: skip
def test_an_error_in_the_shell_names_its_options(command, option, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(TABLE, encoding="utf-8")
    (tmp_path / "pairs.csv").write_text("user,item\nu1,i1\n", encoding="utf-8")
    (tmp_path / "comma.csv").write_text("user;item;n\nu1;i1;1,5\n", encoding="utf-8")
    (tmp_path / "blanks.txt").write_text("1  5 4\n2  6 3\n", encoding="utf-8")
    (tmp_path / "t.parquet").write_bytes(b"PAR1....")
    (tmp_path / "old").mkdir()
    fit = "train --data t.csv --save kept.npz --min-rating all --model itemknn --quiet"
    assert main(shlex.split(fit)) == 0
    if "--resume" in command:
        assert main(shlex.split(command.replace("--resume", "--seed 1"))) == 0
    assert main(shlex.split(command)) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert option in error


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("gradcheck --model gmf --layers 8,4", "unrecognized arguments: --layers 8,4"),
        ("pretrain --data t.csv --epochs 1 --save m.npz", "unrecognized arguments: --save m.npz"),
        (f"{TRAIN} --min-rating four", "--min-rating: expected a number, or all; got 'four'"),
        ("train --data t.csv --save ''", "train: --save is empty"),
        ("recommend '' --user 1", "recommend: MODEL.npz is empty"),
        ("vectors m.npz --items v.csv --k 3", "unrecognized arguments: --k 3"),
        ("gradcheck --list-bugs --bug dropped-repeats", "--list-bugs checks nothing"),
        ("download --folder new", "--folder needs the name of a data set"),
        ("download --base-url https://x", "--base-url needs the name of a data set"),
        ("exercise --hint 2", "--hint needs the number of an exercise"),
        ("exercise 1 --hint 2 --solution", "leave it out with --solution"),
        ("exercise 1 --hint 2 --report r.json", "leave it out with --solution and --report"),
    ],
)  # fmt: skip
def test_a_command_that_is_not_understood_names_its_option(command, said, capsys):
    try:
        status = main(shlex.split(command))
    except SystemExit as error:
        status = error.code
    assert status == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_an_id_that_looks_like_an_option_is_still_an_id(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("user,item\n--5x,a\n-1_,a\n-1_,b\n", encoding="utf-8")
    assert main(shlex.split("train --data t.csv --model itemknn --save m.npz --quiet")) == 0
    assert main(shlex.split("recommend m.npz --user --5x -1_ --k 1")) == 0
    assert "--5x" in capsys.readouterr().out


def test_the_advice_after_a_training_names_options(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(TABLE, encoding="utf-8")
    assert main(shlex.split(f"{TRAIN} --min-rating all --epochs 1")) == 0
    said = capsys.readouterr().err
    assert "without --epochs, --batch-size and --training" in said


def test_every_argument_that_an_error_names_is_an_option_of_some_command():
    commands = next(a.choices for a in build_parser()._actions if isinstance(a.choices, dict))
    in_python_only = {"checkpoint", "resume", "columns", "dtype"}  # of `fit` and of arrays
    named = set()
    for path in ROOT.glob("ncf_numpy/*/**/*.py"):
        if path.parts[-2] not in ("to_torch", "learn", "stepper", "playground", "exercises"):
            for text in raised(ast.parse(path.read_text(encoding="utf-8"))):
                named |= set(re.findall(r"(?<![\w.])([a-z][a-z_0-9]*)=", text))
    assert {"min_rating", "names", "encoding", "patience"} <= named
    for name in sorted(named - in_python_only):
        written = {in_options(f"{name}=", parser) for parser in commands.values()}
        assert any(text.startswith("--") for text in written), name


def raised(tree):
    """The texts of all errors that a module raises, with nothing in the place of values."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise):
            yield "".join(
                part.value
                for part in ast.walk(node)
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            )
