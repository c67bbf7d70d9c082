"""The table of `evaluate`: a row per model and ranking, with intervals, and what they rest on."""

from ..evaluation.comparison import compare, confidence_interval
from ..evaluation.measures import MEASURES
from ..evaluation.metrics import evaluate
from ..evaluation.ranking import evaluate_catalogue

RANKINGS = {
    "sampled": "each held-out item among its sampled ones",
    "full": "among all items that the user does not have",
}
OWN_TIES = {"sampled": "never in one list", "full": "in consecutive places"}


def add_figure_options(parser):
    group = parser.add_argument_group("figures")
    group.add_argument("--k", type=int, nargs="+", default=[10], metavar="N", help="lengths of the "
                       "list, such as 5 10 20 (default: 10)")  # fmt: skip
    group.add_argument("--measures", nargs="+", choices=MEASURES, default=["HR", "NDCG", "MRR"],
                       metavar="NAME", help=f"of {', '.join(MEASURES)} (default: HR NDCG MRR); "
                       "each with the 95%% interval over users")  # fmt: skip
    group.add_argument("--ranking", nargs="+", choices=RANKINGS, default=["sampled"],
                       help="; ".join(f"{name}: {what}" for name, what in RANKINGS.items())
                       + " (default: sampled)")  # fmt: skip
    group.add_argument("--compare", nargs="?", const="NDCG", choices=MEASURES, metavar="MEASURE",
                       help="a second table: each pair of models on this measure (default: NDCG) "
                       "at the first k, user by user, with interval and p-value")  # fmt: skip


def measured(model, split, arguments):
    """{ranking: Evaluation} of one trained model on the test items."""
    k, found = arguments.k[0], {}
    for ranking in arguments.ranking:
        if ranking == "sampled":
            found[ranking] = evaluate(model, split.test, k)
        else:
            known = split.train_and_validation()
            found[ranking] = evaluate_catalogue(model, split.test, known, k)
    return found


def figures_of(evaluation, arguments):
    """{column: figure}, such as HR@10, and {column: its 95% interval}."""
    figures, intervals = {}, {}
    for k in arguments.k:
        for measure in arguments.measures:
            name = measure if measure == "MRR" else f"{measure}@{k}"
            if name not in figures:
                low, high = confidence_interval(evaluation, measure, k)
                figures[name] = evaluation.mean(measure, k)
                intervals[f"95% of {name}"] = f"[{low:.4f}, {high:.4f}]"
    return figures, intervals


def ties_of(ranking, split):
    """{column: what a tie between two held-out items of a user does}, {} where none has two."""
    users = split.test.users
    if len(set(users.tolist())) == len(users):
        return {}
    return {"ties of own test items": OWN_TIES[ranking]}


def comparisons(evaluations, arguments):
    """{model: {ranking: Evaluation}} -> for each ranking, what is compared and the DataFrame."""
    for ranking in arguments.ranking:
        of_one = {name: found[ranking] for name, found in evaluations.items()}
        against = next(iter(of_one.values())).against
        table = compare(of_one, arguments.compare)
        yield f"{arguments.compare} at {arguments.k[0]} against {against} items", table
