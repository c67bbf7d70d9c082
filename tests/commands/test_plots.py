"""Pictures show the numbers they were given, go where they should, and need no display."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import ncf_numpy
from ncf_numpy import GMF, BinaryCrossEntropyWithLogits, check_gradients, plots
from ncf_numpy.__main__ import main
from ncf_numpy.commands import gradcheck, train
from ncf_numpy.core.gradcheck import redraw_embeddings
from ncf_numpy.learn import step_error
from ncf_numpy.learn.bugs import BUGS, planted

matplotlib = pytest.importorskip("matplotlib", reason="the plot extra is not installed")

HISTORY = pd.DataFrame(
    {
        "epoch": [1, 2, 3],
        "loss": [0.6, 0.5, 0.4],
        "hr": [0.3, 0.55, 0.5],
        "ndcg": [0.2, 0.31, 0.3],
        "chosen": [False, True, False],
    }
)
SCORES = pd.DataFrame({"HR@10": [0.4, 0.7], "NDCG@10": [0.5, 0.3]}, index=["few", "many"])
STARTS = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


def data_of(ax):
    """[(x, y), ...] of its lines, as lists."""
    return [(list(line.get_xdata()), list(line.get_ydata())) for line in ax.lines]


def labels_of(figure):
    return [ax.get_ylabel() for ax in figure.axes]


def words(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_a_training_curve_is_its_history_and_a_ring_is_at_the_epoch_that_was_kept():
    figure = plots.training_curves({"one": HISTORY, "two": HISTORY.drop(columns="chosen")})
    assert labels_of(figure) == list(plots.CURVES.values())
    for ax, column in zip(figure.axes, ("loss", "hr", "ndcg")):
        curve = [1, 2, 3], HISTORY[column].tolist()
        one, ring, two, no_ring = data_of(ax)[:4]
        assert one == two == curve
        assert ring == ([2], [HISTORY[column][1]])
        assert no_ring == ([], [])
        assert ax.get_xlabel() == "epoch"
    assert words(figure.axes[0]) == ["one", "two", "epoch kept"]


def test_without_a_hold_out_there_is_the_loss_alone():
    figure = plots.training_curves(HISTORY.assign(hr=np.nan, ndcg=np.nan))
    assert labels_of(figure) == ["training loss, nats per pair"]


def test_a_baseline_has_no_curve():
    baseline = pd.DataFrame([{"hr": 0.5, "ndcg": 0.3, "chosen": True}])
    figure = plots.training_curves({"itemknn": baseline, "gmf": HISTORY})
    assert words(figure.axes[0]) == ["gmf", "epoch kept"]
    with pytest.raises(ValueError, match="nothing to draw: the history has no epochs"):
        plots.training_curves(baseline)


def test_scores_of_zero_leave_room_for_bars():
    (ax,) = plots.comparison_bars(pd.DataFrame({"HR@10": [0.0, 0.0]})).axes
    assert ax.get_xlim()[1] > 1


def test_lines_differ_in_colour_and_in_grey():
    figure = plots.training_curves({f"model {n}": HISTORY for n in range(6)})
    lines = figure.axes[0].lines[:12:2]
    assert len({line.get_color() for line in lines}) == 6
    assert len({line.get_marker() for line in lines}) == 6


def test_a_bar_is_as_long_as_its_score_and_the_longest_is_dark():
    figure = plots.comparison_bars(SCORES, best={"HR@10": 0.8})
    left, right = figure.axes
    for ax, measure, best in ((left, "HR@10", "many"), (right, "NDCG@10", "few")):
        assert [bar.get_width() for bar in ax.patches] == SCORES[measure].tolist()
        dark = [matplotlib.colors.to_hex(bar.get_facecolor()) == "#0072b2" for bar in ax.patches]
        assert dark == [name == best for name in SCORES.index]
        assert ax.get_xlabel() == measure
    assert [text.get_text() for text in left.get_yticklabels()] == ["few", "many"]
    assert left.get_ylim() == (1.5, -0.5)  # the first row of the table is at the top
    assert data_of(left) == [([0.8, 0.8], [0, 1])]
    assert {text.get_text() for text in left.texts} == {"0.400", "0.700", "best possible 0.800"}
    assert data_of(right) == []


def test_an_error_of_zero_is_left_out_of_a_logarithmic_axis():
    figure = plots.error_against_step([1e-3, 1e-5], {"float64": [1e-2, 0], "float32": [1, 0.5]})
    (ax,) = figure.axes
    (_, first), (_, second), (step, _), (_, tolerance) = data_of(ax)
    assert first[0] == 1e-2 and np.isnan(first[1]) and second == [1, 0.5]
    assert (step, tolerance) == ([1e-5, 1e-5], [1e-6, 1e-6])
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert words(ax) == ["float64", "float32", "step, tolerance"]


def test_axes_of_ones_own_are_drawn_into():
    axes = plots.panels(2)
    figure = plots.comparison_bars(SCORES, axes=axes)
    assert figure is axes[0].figure and len(axes[1].patches) == 2
    with pytest.raises(ValueError, match="expected 3 axes, one for each panel, got 4"):
        plots.training_curves(HISTORY, axes=plots.panels(4))
    assert len(plots.panels(5)[0].figure.axes) == 5  # two rows, the sixth place empty


@pytest.mark.parametrize(
    ("draw", "nothing"),
    [(plots.training_curves, pd.DataFrame()), (plots.comparison_bars, pd.DataFrame())],
)
def test_nothing_to_draw(draw, nothing):
    with pytest.raises(ValueError, match="nothing to draw"):
        draw(nothing)


@pytest.mark.parametrize("name", ["a.png", "a.svg", "a.pdf", "b.PNG"])
def test_the_suffix_decides_and_the_same_data_give_the_same_file(tmp_path, name):
    figure = plots.comparison_bars(SCORES, tmp_path / name)
    first = (tmp_path / name).read_bytes()
    assert first.startswith(STARTS[name[1:].lower()])
    assert b"date>" not in first and b"CreationDate" not in first
    assert figure.get_facecolor() == (1, 1, 1, 1)
    plots.comparison_bars(SCORES, tmp_path / name)
    assert (tmp_path / name).read_bytes() == first


def test_a_style_of_the_users_own_neither_matters_nor_is_touched():
    with matplotlib.rc_context({"axes.facecolor": "black", "text.color": "white"}):
        before = dict(matplotlib.rcParams)
        ax = plots.comparison_bars(SCORES).axes[0]
        assert ax.get_facecolor() == (1, 1, 1, 1)
        assert ax.xaxis.label.get_color() == plots.INK
        assert dict(matplotlib.rcParams) == before


def test_drawing_needs_no_display_and_importing_no_matplotlib(tmp_path):
    code = (
        "import sys, pandas as pd\nfrom ncf_numpy import plots\n"
        "assert 'matplotlib' not in sys.modules\n"
        f"plots.comparison_bars(pd.DataFrame({{'HR@10': [0.5]}}), {str(tmp_path / 'a.png')!r})\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    without = {key: value for key, value in os.environ.items() if key != "DISPLAY"}
    environment = {**without, "MPLBACKEND": "TkAgg"}
    root = os.path.dirname(os.path.dirname(ncf_numpy.__file__))
    subprocess.run([sys.executable, "-c", code], env=environment, cwd=root, check=True)
    assert (tmp_path / "a.png").exists()


COMMANDS = [
    "train --dataset sample --save {}/m.npz --plot {}",
    "evaluate --dataset sample --plot {}",
    "gradcheck --plot {}",
]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("curves.gif", "curves.gif: the name must end in .png, .svg, .pdf"),
        ("curves", "curves: the name must end in .png, .svg, .pdf"),
        ("no/curves.png", "no/curves.png: there is no folder"),
    ],
)
def test_a_picture_that_cannot_be_is_refused_before_the_work(
    command, file, sentence, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    *most, last = command.split()
    arguments = [part.format(tmp_path) for part in most]
    assert main([*arguments, last.format(file)]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err == f"{arguments[0]}: cannot draw {sentence}" + (
        f" {tmp_path}/no\n" if "folder" in sentence else "\n"
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_a_missing_matplotlib_is_one_line_before_the_work(command, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main([part.format(tmp_path) for part in f"{command}.png".split()]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.endswith("pictures need matplotlib: pip install -e '.[plot]'\n")
    assert len(err.splitlines()) == 1


def test_a_model_without_epochs_has_no_curves(tmp_path, capsys):
    save = ["--save", str(tmp_path / "m.npz"), "--plot", str(tmp_path / "a.png")]
    assert main(["train", "--dataset", "sample", "--model", "itemknn", *save]) == 1
    assert "--plot does not apply to itemknn: it has no epochs" in capsys.readouterr().err


def test_train_draws_its_epochs_also_if_it_is_interrupted(tmp_path, monkeypatch, capsys):
    def interrupt(history, epochs):
        if len(history) == 2:
            raise KeyboardInterrupt
        return "an epoch"

    drawn = []
    monkeypatch.setattr(train.plots, "training_curves", lambda *what: drawn.append(what))
    command = ["train", "--dataset", "sample", "--min-per-user", "45", "--model", "gmf"]
    command += ["--epochs", "3", "--save", str(tmp_path / "m.npz"), "--plot", "a.svg"]
    assert main(command) == 0
    monkeypatch.setattr(train, "epoch_line", interrupt)
    assert main(command) == 130
    (first, file), (second, _) = drawn
    assert file == "a.svg" and list(first) == ["gmf"]
    assert (len(first["gmf"]), len(second["gmf"])) == (3, 2)


def test_evaluate_draws_its_table_with_the_best_possible_where_that_is_known(capsys, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        plots, "comparison_bars", lambda table, file, best: drawn.append((table, file, best))
    )
    command = "evaluate --dataset sample --model popularity itemknn --k 5 --quiet --plot a.png"
    assert main(command.split()) == 0
    assert main([*command.split(), "--min-per-user", "30"]) == 0
    (table, file, best), (_, _, unknown) = drawn
    shown = capsys.readouterr().out.splitlines()
    assert file == "a.png" and list(table) == ["HR@5", "NDCG@5"]
    for line, (name, row) in zip(shown[1:3], table.iterrows()):
        assert line.split()[:3] == [name, f"{row['HR@5']:.4f}", f"{row['NDCG@5']:.4f}"]
    assert (table < pd.Series(best)).all(axis=None) and max(best.values()) < 1
    assert unknown == {}  # other users, so other indices than the oracle's


def test_gradcheck_draws_a_panel_for_each_model_and_a_bug_at_every_step(monkeypatch, capsys):
    monkeypatch.setattr(step_error, "STEPS", np.array([1e-3, 1e-5, 1e-7]))
    figures = []
    monkeypatch.setattr(plots, "finish", lambda figure, file=None: figures.append(figure))
    gradcheck.draw(["mf", "neumf"], None, "a.png")
    assert [ax.get_title() for ax in figures[-1].axes] == ["MF", "NeuMF"]
    gradcheck.draw(["neumf"], BUGS["stale-cache"], "a.png")
    right, wrong = figures[0].axes[1], figures[-1].axes[0]
    assert words(right) == ["float64", "float32", "step, tolerance"]
    monkeypatch.undo()
    assert min(data_of(right)[0][1]) < 1e-6 < min(data_of(right)[1][1])
    assert min(data_of(wrong)[0][1]) > 1e-3


BATCH = np.array([3, 1, 3, 0]), np.array([2, 5, 2, 1]), np.array([1.0, 0.0, 1.0, 1.0])


def model_to_measure():
    rng = np.random.default_rng(0)
    model = GMF(4, 6, 3, rng, dtype=np.float64)
    redraw_embeddings(model, rng)
    return model


def test_the_worst_error_is_that_of_the_checker():
    loss = BinaryCrossEntropyWithLogits()
    table = check_gradients(model_to_measure(), loss, *BATCH)[1:]  # without dlogits
    measured = step_error.measure(model_to_measure(), loss, *BATCH, [1e-5], 100)
    assert measured["worst"] == pytest.approx([table["rel_error"].max()])
    assert measured["kinks"] == [0]


def test_errors_fall_with_the_square_of_the_step_of_one_sided_ones_with_the_step():
    loss = BinaryCrossEntropyWithLogits()
    measured = step_error.measure(model_to_measure(), loss, *BATCH, [1e-2, 1e-3], 100)
    far, near = measured["central"]
    assert far / near == pytest.approx(100, rel=0.05)
    far, near = measured["forward"]
    assert far / near == pytest.approx(10, rel=0.05)


def test_a_wrong_gradient_is_wrong_at_every_step():
    with planted(BUGS["no-bias-gradient"]):  # where the gradient is 0 and the derivative is not
        loss = BinaryCrossEntropyWithLogits()
        measured = step_error.measure(model_to_measure(), loss, *BATCH, [1e-3, 1e-5], 100)
    assert (measured["worst"] > 0.5).all()
