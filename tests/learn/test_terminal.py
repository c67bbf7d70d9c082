"""The stepper of the terminal: what its keys do, and that its numbers are those of the trace."""

import io
import json
import re

import numpy as np
import pytest

from ncf_numpy.__main__ import main
from ncf_numpy.core.losses import BinaryCrossEntropyWithLogits
from ncf_numpy.core.optimizers import Adam
from ncf_numpy.datasets import Interactions, sample_lastfm
from ncf_numpy.learn.stepper import terminal
from ncf_numpy.learn.stepper.batch import STD, build_model, choose_batch
from ncf_numpy.learn.stepper.digits import Digits, constant, short
from ncf_numpy.learn.stepper.screens import Screens, grid
from ncf_numpy.learn.stepper.trace import trace_step

PLAYS = sample_lastfm()[0]


@pytest.fixture(scope="module")
def stepped():
    """(trace, batch) of a NeuMF."""
    batch = choose_batch(PLAYS, np.random.default_rng(0))
    model = build_model("neumf", PLAYS, np.random.default_rng(1))
    loss = BinaryCrossEntropyWithLogits()
    return trace_step(model, loss, Adam(0.01), batch.users, batch.items, batch.labels), batch


def press(stepped, keys, height=999):
    """What appears for these lines of input, after each prompt."""
    output = io.StringIO()
    terminal.run(*stepped, pause=True, stdin=io.StringIO(keys), stdout=output, height=height)
    return output.getvalue().split(f"[{terminal.HELP}]\n")


def heading(text):
    return re.search(r"^-- (\d+)/34  (\w+): (.+?)  \(", text, re.MULTILINE).groups()


def test_enter_goes_on_and_b_back(stepped):
    opening, one, two, back, rest = press(stepped, "\n\nb\nq\n")
    assert opening.startswith("NeuMF, one training step: BinaryCrossEntropyWithLogits, Adam")
    assert heading(one) == ("1", "forward", "user_embedding")
    assert heading(two) == ("2", "forward", "item_embedding")
    assert heading(back) == heading(one)
    assert rest == ""


def test_f_and_r_jump_to_forward_and_backward(stepped):
    _, backward, forward, _ = press(stepped, "r\nf\nq\n")
    assert heading(backward) == ("13", "backward", "loss")
    assert heading(forward) == ("1", "forward", "user_embedding")


def test_at_both_ends_it_stays(stepped):
    screens = press(stepped, "b\n" + "\n" * 40 + "q\n")
    assert heading(screens[1])[0] == "1"
    assert heading(screens[-2])[0] == "34"
    assert "The step is done" in screens[-2]


def test_w_shows_the_weights_of_the_box(stepped):
    *_, shown, _ = press(stepped, "r\n\nw\nq\n")  # output, the second stop of backward
    assert shown.startswith("output.W  (8, 1), before the step")
    *_, rows, _ = press(stepped, "f\nw\nq\n")
    assert "the rows this batch reads" in rows
    assert rows.count("user ") == 5 + 0  # five different users in six pairs
    *_, none, _ = press(stepped, "r\nw\nq\n")
    assert none.strip() == "loss has no weights."


def test_g_lists_analytic_and_numerical(stepped):
    trace, _ = stepped
    *_, shown, _ = press(stepped, "r\ng\nq\n")
    rows = re.findall(r"^  \((\d),\) +(\S+) +(\S+) +(\S+)$", shown, re.MULTILINE)
    assert len(rows) == 6
    dz = next(r for r in trace.records if r.name == "dz")
    for row, analytic, numerical, _ in rows:
        assert float(analytic) == pytest.approx(dz.value[int(row)], rel=1e-9)
        assert float(numerical) == pytest.approx(dz.numerical[int(row)], rel=1e-9)
    *_, nothing, _ = press(stepped, "f\ng\nq\n")
    assert nothing.strip() == "No gradient is computed here: nothing to check."


def test_other_keys_and_the_end_of_input(stepped):
    assert "There is no key 'x' here." in press(stepped, "x\nq\n")[1]
    assert len(press(stepped, "\n")) == 3  # no q: the input ends


def test_without_a_terminal_everything_is_printed_at_once(stepped):
    output = io.StringIO()
    terminal.run(*stepped, stdin=io.StringIO(), stdout=output)
    text = output.getvalue()
    assert re.findall(r"^-- (\d+)/34", text, re.MULTILINE) == [str(k) for k in range(1, 35)]
    assert terminal.HELP not in text


def test_eighty_columns_and_plain_ascii_but_for_names(stepped):
    screens = Screens(*stepped)
    texts = [screens.opening(), *(screens.screen(k) for k in range(len(screens)))]
    texts += [screens.check(k) for k in range(len(screens))]
    texts += [screens.weights(k) for k in range(len(screens))]
    for line in "\n".join(texts).splitlines():
        assert len(line) <= 80
        assert line.isascii()
        assert "\x1b" not in line


@pytest.mark.parametrize(("encoding", "tick"), [("utf-8", "✓"), ("cp949", "ok"), ("cp437", "√")])
def test_a_tick_only_where_the_console_has_one(encoding, tick):
    assert terminal.tick_of(encoding) == ("✓" if encoding == "utf-8" else "ok")


def test_every_number_of_the_tables_is_numpys(stepped):
    """The tables are read back from the screen and compared digit by digit."""
    trace, _ = stepped
    for record in trace.records:
        if record.value.ndim == 0:
            continue
        labels = [""] * len(record.value)
        unit, rows = 1.0, []
        for line in grid(record.value, labels, record.entry):
            if line.startswith(" in units of"):
                unit = float(line.split()[-1])
            elif not line.startswith(" ..."):
                rows.append(re.findall(r"-?\d+(?:\.\d+)?", line))
        table = record.value.reshape(len(record.value), -1)
        for row, numbers in zip(table, rows, strict=True):
            for value, text in zip(row, numbers):
                half = 0.5 * 10.0 ** -len(text.partition(".")[2])
                assert abs(float(text) - value / unit) <= half * (1 + 1e-9)


def test_the_formulas_on_the_screens_are_those_of_the_trace(stepped):
    trace, _ = stepped
    screens = Screens(*stepped)
    for number, stop in enumerate(trace.stops):
        text = " ".join(screens.screen(number).split())
        for record in stop.records:
            assert (
                f"= {record.source() or record.worked()} = {short(record.value[record.entry])}"
                in text
            )


def test_a_repeated_row_adds_up_and_says_what_the_naive_code_would_keep(stepped):
    trace, batch = stepped
    number = next(k for k, s in enumerate(trace.stops) if s.function == "Embedding.backward")
    text = " ".join(Screens(*stepped).screen(number).split())
    item = np.bincount(trace.items).argmax()
    found = re.search(
        r"column (\d): (.+) = (\S+); the naive `dW\[ids\] \+= dy` would keep (\S+)", text
    )
    column, terms, total, kept = found.groups()
    record = trace.stops[number].records[0]
    dy = record.holes["dy[b,k]"].array[trace.items == item, int(column)]  # (2,)
    assert f"{batch.item_name(item)} twice" in text
    assert [float(t.strip("()")) for t in terms.split(" + ")] == pytest.approx(dy, rel=5e-4)
    assert float(total) == pytest.approx(dy.sum(), rel=5e-4)
    assert float(kept) == pytest.approx(dy[-1], rel=5e-4)
    assert "dy row 0, 1 -> table row" in text


def test_a_wrong_gradient_is_called_wrong(stepped):
    trace, batch = stepped
    record = next(r for r in trace.records if r.name == "dz")
    right = record.value
    record.value = 1.01 * right
    try:
        assert "WRONG" in Screens(trace, batch).verdict(record)
    finally:
        record.value = right
    assert "ok" in Screens(trace, batch).verdict(record)


def test_in_a_low_window_enter_turns_the_pages_of_a_screen(stepped):
    _, *pages = press(stepped, "\n" * 200, height=24)
    seen = []
    for page in pages[:-1]:
        lines = page.rstrip("\n").split("\n")
        assert len(lines) <= 24 - 3  # two blank lines less one, the keys, what is typed
        seen += [line for line in lines if line.strip() and not line.startswith("-- ")]
    screens = press(stepped, "\n" * 34)[1:-1]
    lines = [line for screen in screens for line in screen.split("\n")]
    expected = [line for line in lines if line.strip() and not line.startswith("-- ")]
    assert seen[: len(expected)] == expected
    assert heading(pages[-2])[0] == "34"


def test_b_turns_back_to_the_first_page_and_then_to_the_screen_before(stepped):
    pages = press(stepped, "r\n\n\nb\nb\nq\n", height=24)  # loss, output, more of output
    assert [heading(page)[2] for page in pages[1:-1]] == [
        "loss",
        "output",
        "output",
        "output",
        "loss",
    ]
    assert "Enter: more of this" in pages[2]
    assert pages[2] == pages[4] != pages[3]


def test_a_page_is_cut_at_a_blank_line():
    text = "head\n" + "\n\n".join("\n".join("abc") for _ in range(4))
    pages = terminal.pages_of(text, 10)
    assert [page.split("\n")[0] for page in pages] == ["head"] * len(pages)
    assert all(len(page.split("\n")) <= 10 for page in pages)
    lines = [line for page in pages for line in page.split("\n")[1:] if len(line) == 1]
    assert lines == list("abc" * 4)


# the batch


def test_one_user_and_one_item_are_repeated_and_no_other():
    for seed in range(20):
        batch = choose_batch(PLAYS, np.random.default_rng(seed))
        assert sorted(np.bincount(batch.users)[np.unique(batch.users)]) == [1, 1, 1, 1, 2]
        assert sorted(np.bincount(batch.items)[np.unique(batch.items)]) == [1, 1, 1, 1, 2]
        for u, i, y in zip(batch.users, batch.items, batch.labels):
            assert (i in PLAYS.items_of(u)) == (y == 1)


def test_a_user_can_be_chosen_and_must_exist():
    batch = choose_batch(PLAYS, np.random.default_rng(0), user="7")
    assert batch.user_name(batch.users[0]) == "user 7"
    with pytest.raises(KeyError, match="no user 'nobody'; there are"):
        choose_batch(PLAYS, np.random.default_rng(0), user="nobody")


def test_a_batch_of_less_than_three_cannot_repeat_both():
    with pytest.raises(ValueError, match="batch must be an integer of at least 3, got 2"):
        choose_batch(PLAYS, np.random.default_rng(0), 2)


def test_tiny_data_repeats_what_it_has_to():
    tiny = Interactions([0, 1, 1], [0, 0, 1], np.array(["a", "b"]), np.array([10, 11, 12]))
    batch = choose_batch(tiny, np.random.default_rng(0), 6)
    assert len(batch.users) == 6
    assert batch.item_name(0) == "item 10"


def test_embeddings_are_drawn_large_enough_to_be_seen():
    model = build_model("gmf", PLAYS, np.random.default_rng(0))
    assert model.user_embedding.W.std() == pytest.approx(STD, rel=0.05)
    assert model.user_embedding.W.dtype == np.float64


# digits


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0312345, "0.03123"), (-1.25, "-1.250"), (0.0, "0"), (6, "6"), (1.5e-6, "1.500e-6"),
     (12345.6, "1.235e4"), (0.99999, "1"), (float("nan"), "-")],
)  # fmt: skip
def test_short_has_four_digits(value, text):
    assert short(value) == text


def test_constants_are_as_python_writes_them():
    assert [constant(x) for x in (0.999, 1e-08, np.int64(6), 0.0031622776)] == [
        "0.999", "1e-8", "6", "0.003162",
    ]  # fmt: skip


def test_digits_of_small_arrays_are_in_units():
    digits = Digits(np.array([1.5e-7, -2.25e-8]))  # in units of 1e-9: 150.0 and -22.5
    assert digits.exponent == -9
    assert [digits[0], digits[1]] == ["150.0", "-22.5"]


# the command


def test_the_command_prints_everything_in_a_pipe(capsys):
    assert main(["step", "--model", "mf", "--loss", "bce", "--optimizer", "sgd"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("MF, one training step: BinaryCrossEntropy, SGD")
    assert captured.out.count("\n-- ") == 18
    assert captured.err == ""


def test_the_command_writes_json(capsys, tmp_path):
    path = tmp_path / "trace.json"
    assert main(["step", "--model", "gmf", "--json", str(path)]) == 0
    assert json.loads(path.read_text(encoding="utf-8"))["model"] == "GMF"
    assert f"{path}: " in capsys.readouterr().out


def test_the_command_reads_real_data(capsys, data_dir):
    folder = data_dir("hetrec2011-lastfm-2k")
    assert main(["step", "--data", str(folder), "--user", "2", "--no-pause"]) == 0
    out = capsys.readouterr().out
    assert "Data: Last.fm 2K (HetRec 2011)" in out
    assert re.search(r"row 0 +user 2 +\S", out)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--steps", "5"], 2, "--steps needs --html"),
        (["--user", "nobody"], 1, "step: no user 'nobody'"),
        (["--batch", "1"], 1, "step: --batch must be"),
        (["--layers", "7,4"], 1, "step: --layers must begin with an even width"),
        (["--lr", "-1"], 1, "step: --lr must be in"),
        # each of these ran for minutes
        (["--batch", "100000", "--html", "p.html"], 1, "--batch must be at most 100, got 100,000"),
        (["--factors", "129"], 1, "--factors must be at most 128, got 129"),
        (["--layers", "8,257"], 1, "--layers must be at most 256, got 257"),
        (["--steps", "10001", "--html", "p.html"], 1, "--steps must be at most 10,000, got 10,001"),
    ],
)
def test_mistakes_get_a_sentence(capsys, arguments, status, message):
    assert main(["step", *arguments]) == status
    assert message in capsys.readouterr().err
