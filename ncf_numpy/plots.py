"""Pictures: training curves, models side by side, and a gradient check's error by its step.

    figure = training_curves({"neumf": history}, "curves.png")      # or .svg, or .pdf

Each function takes data, draws into a new figure or into axes of yours, writes a file if one is
named, and returns the matplotlib Figure. matplotlib, of `pip install -e '.[plot]'`, is imported
when something is drawn and not before; it needs no display, and pyplot is left alone.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .core.gradcheck import RTOL, STEP
from .data.whole_file import check_place, write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from .core.types import Frame

# suffix -> what keeps the date out of the file: the same data give the same bytes
FORMATS = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
# Okabe and Ito's colour-blind-safe palette; in greyscale, markers and dashes tell lines apart
LINES = (
    ("#0072B2", "o", "-"),
    ("#D55E00", "s", "--"),
    ("#009E73", "^", "-."),
    ("#CC79A7", "D", ":"),
    ("#000000", "v", "-"),
    ("#E69F00", "X", "--"),
)
BAR, BEST_BAR, INK, GREY = "#BBD6EA", "#0072B2", "#222222", "#666666"
STYLE = {
    "figure.dpi": 100,
    "figure.constrained_layout.w_pad": 0.12,
    "savefig.dpi": 150,
    "savefig.bbox": "tight",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.6,
    "lines.markersize": 4,
    "legend.edgecolor": "none",
    "legend.framealpha": 0.85,
    "legend.fontsize": 9,
    "pdf.fonttype": 42,
    "svg.hashsalt": "ncf_numpy",
}
CURVES = {
    "loss": "training loss, nats per pair",
    "hr": "HR@10 on validation, share of users",
    "ndcg": "NDCG@10 on validation, mean",
}


def training_curves(
    histories: Mapping[str, Frame] | Frame,
    file: str | Path | None = None,
    axes: Sequence[Axes] | Axes | None = None,
    *,
    columns: Mapping[str, str] = CURVES,
) -> Figure:
    """How training went: a panel for each measure, a line for each model, against the epoch.

    Parameters
    ----------
    histories : {name: history}, or one history
        DataFrames as `fit`, `Trainer.history` and `Recommender.history` give them. A ring marks the
        epoch whose weights the model has. Those of baselines, which have no epochs, are left out.
    file : str or Path
        Ends in .png, .svg or .pdf; by default none is written.
    axes : matplotlib axes
        One for each panel; by default those of a new figure.
    columns : {column: label with its unit}
        One without a finite number gets no panel.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If there is nothing to draw, or another number of axes than of panels.
    """
    histories = {"": histories} if isinstance(histories, pd.DataFrame) else histories
    histories = {name: table for name, table in histories.items() if "epoch" in table}
    known = {column for table in histories.values() for column in table.dropna(axis=1, how="all")}
    labels = {column: label for column, label in columns.items() if column in known}
    if not labels:
        raise ValueError("nothing to draw: the history has no epochs")
    with style():
        axes = panels(len(labels)) if axes is None else checked(axes, len(labels))
        for ax, (column, label) in zip(axes, labels.items()):
            for (name, table), line in zip(histories.items(), itertools.cycle(LINES)):
                colour, marker, dash = line
                ax.plot(table["epoch"], table[column], dash, c=colour, marker=marker, label=name)
                kept = table[table["chosen"]] if "chosen" in table else table[:0]
                ax.plot(kept["epoch"], kept[column], **ring(colour))
            ax.set(xlabel="epoch", ylabel=label)
            ax.xaxis.get_major_locator().set_params(integer=True)
            ax.grid(axis="y")
        if any("chosen" in table for table in histories.values()):
            axes[0].plot([], [], label="epoch kept", **ring(GREY))
        if axes[0].get_legend_handles_labels()[1]:
            axes[0].legend()
    return finish(axes[0].figure, file)


def comparison_bars(
    scores: pd.DataFrame,
    file: str | Path | None = None,
    axes: Sequence[Axes] | Axes | None = None,
    *,
    best: Mapping[str, float] | None = None,
) -> Figure:
    """Models side by side: a panel for each measure, a bar for each model, the longest dark.

    Parameters
    ----------
    scores : DataFrame
        A row for each model (its index) and a column for each measure, such as "HR@10"; measures in
        [0, 1], more is better.
    file : str or Path
        Ends in .png, .svg or .pdf; by default none is written.
    axes : matplotlib axes
        One for each measure; by default those of a new figure.
    best : {measure: float}
        What the best possible ranking reaches, where that is known: a dashed line.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        For a table without rows or columns, or another number of axes than of measures.
    """
    if scores.empty:
        raise ValueError("nothing to draw: the table has no scores")
    best = {} if best is None else dict(best)
    with style():
        n, height = scores.shape[1], 0.9 + 0.34 * len(scores)
        own = axes is None
        axes = panels(n, width=4, height=height, sharey=True) if own else checked(axes, n)
        for ax, measure in zip(axes, scores):
            values = scores[measure].to_numpy(float)
            limit = max([*values, best.get(measure, 0)]) or 1
            for place, value in enumerate(values):
                dark = value == values.max()
                ax.barh(place, value, 0.72, color=BEST_BAR if dark else BAR)
                inside = value > 0.2 * limit
                ax.annotate(
                    f"{value:.3f}",
                    (value, place),
                    (-5 if inside else 5, 0),
                    textcoords="offset points",
                    ha="right" if inside else "left",
                    va="center",
                    color="white" if dark and inside else INK,
                )
            if measure in best:
                ax.axvline(best[measure], color=INK, linestyle="--", linewidth=1.2)
                ax.annotate(
                    f"best possible {best[measure]:.3f}",
                    (best[measure], 1),
                    (0, 3),
                    xycoords=("data", "axes fraction"),
                    textcoords="offset points",
                    ha="right",
                )
            ax.set(xlabel=measure, xlim=(0, 1.04 * limit), ylim=(len(scores) - 0.5, -0.5))
            ax.set_yticks(range(len(scores)), scores.index)
            ax.tick_params(axis="y", length=0)
            ax.spines["left"].set_visible(False)
    return finish(axes[0].figure, file)


def error_against_step(
    steps: ArrayLike,
    errors: Mapping[str, ArrayLike],
    file: str | Path | None = None,
    axes: Axes | None = None,
    *,
    label: str = "relative error",
) -> Figure:
    """How far a difference quotient is from the gradient, against its step: a V if both are right.

    To the right of its tip the error is curvature, to the left rounding; a line that stays high is
    a wrong gradient. Dotted: the step of `check_gradients`, and the largest error that it lets
    pass.

    Parameters
    ----------
    steps : (S,) floats
    errors : {name: (S,) floats}
        Such as those of `learn.step_error.measure`, NaN where there is none.
    file : str or Path
        Ends in .png, .svg or .pdf; by default none is written.
    axes : matplotlib axes
        By default those of a new figure.
    label : str
        Of the vertical axis.

    Returns
    -------
    matplotlib Figure
    """
    with style():
        ax = panels(1, width=5.6, height=3.8)[0] if axes is None else axes
        for (name, values), (colour, marker, dash) in zip(errors.items(), itertools.cycle(LINES)):
            # an error of exactly 0 has no place on a logarithmic axis
            values = np.where(np.asarray(values) > 0, values, np.nan)
            ax.loglog(steps, values, dash, c=colour, marker=marker, label=name)
        dotted = {"color": GREY, "linestyle": ":", "linewidth": 1.2}
        ax.axvline(STEP, **dotted)
        ax.axhline(RTOL, label="step, tolerance", **dotted)
        ax.set(xlabel="step h of the difference quotient", ylabel=label)
        ax.grid()
        ax.legend()
    return finish(ax.figure, file)


def checked(axes, n):
    """The axes (n,) that were given, or ValueError if there are more or fewer."""
    axes = np.ravel(axes)
    if len(axes) != n:
        raise ValueError(f"expected {n} axes, one for each panel, got {len(axes)}")
    return axes


def ring(colour):
    """How the epoch that was kept is marked."""
    return {
        "linestyle": "",
        "marker": "o",
        "markersize": 10,
        "markerfacecolor": "none",
        "markeredgecolor": colour,
        "markeredgewidth": 1.4,
    }


def style():
    """A context that draws as here, whatever a matplotlibrc says; ImportError if it cannot."""
    try:
        import matplotlib.style
    except ImportError as error:
        raise ImportError("pictures need matplotlib: pip install -e '.[plot]'") from error
    return matplotlib.style.context(["default", STYLE])


def panels(n, *, width=3.6, height=3.2, **shared):
    """The axes (n,) of a new figure, each of this size in inches; two rows of them from 4 on."""
    from matplotlib.figure import Figure

    rows = 1 if n < 4 else 2
    columns = -(-n // rows)
    figure = Figure(figsize=(columns * width, rows * height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **shared).ravel()
    for ax in axes[n:]:
        ax.remove()
    return axes[:n]


def check_file(file: str | Path) -> None:
    """Raise what drawing to a file would raise, before hours of training and not after them.

    Parameters
    ----------
    file : str or Path

    Raises
    ------
    ValueError
        For a suffix that is not a picture's.
    OSError
        For a place that cannot be written.
    ImportError
        Without matplotlib.
    """
    if Path(file).suffix.lower() not in FORMATS:
        raise ValueError(f"cannot draw {file}: the name must end in {', '.join(FORMATS)}")
    check_place(file, "draw")
    style()


def finish(figure, file=None):
    """Write the figure to the file, if there is one; returns the figure."""
    if file is not None:
        check_file(file)
        suffix, picture = Path(file).suffix.lower(), io.BytesIO()
        with style():
            figure.savefig(picture, format=suffix[1:], metadata=FORMATS[suffix])
        write_whole(file, picture.getvalue())
    return figure
