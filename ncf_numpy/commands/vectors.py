"""python -m ncf_numpy vectors MODEL: what it has learned of users and items, as CSV files."""

from ..recommender.recommender import Recommender
from ..recommender.write import write_csv
from .outputs import check_outputs


def add_parser(commands):
    parser = commands.add_parser(
        "vectors",
        help="write the vectors of a saved model to CSV files",
        description="Write a row for each user or item: its id, and what the model has learned of "
        "it, a column for each factor. Exit status: 0 done, 1 error, 2 usage.",
        epilog="example: python -m ncf_numpy vectors model.npz --items items.csv",
    )
    parser.add_argument("file", metavar="MODEL.npz", help="what train --save wrote")
    parser.add_argument("--users", metavar="FILE.csv", help="where the users' vectors go")
    parser.add_argument("--items", metavar="FILE.csv", help="where the items' vectors go")
    parser.set_defaults(run=run)


def run(arguments):
    if not arguments.users and not arguments.items:
        raise ValueError("nothing to write: give --users FILE.csv, --items FILE.csv, or both")
    check_outputs(arguments, arguments.users, arguments.items)
    recommender = Recommender.load(arguments.file)
    for place, vectors in (
        (arguments.users, recommender.user_vectors),
        (arguments.items, recommender.item_vectors),
    ):
        if place:
            write_csv(place, [vectors().reset_index()], 1)
    return 0
