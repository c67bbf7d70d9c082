"""python -m ncf_numpy similar MODEL: the items most like one item."""

from ..recommender.recommender import Recommender
from .printing import item_id, print_table


def add_parser(commands):
    parser = commands.add_parser(
        "similar",
        help="find the items most like one item",
        description="Print the items most like one item of a saved model. "
        "Exit status: 0 done, 1 error, 2 usage.",
        epilog='example: python -m ncf_numpy similar model.npz --item "Drowsy Herons"',
    )
    parser.add_argument("file", metavar="MODEL.npz", help="what train --save wrote")
    parser.add_argument("--item", required=True, metavar="ID_OR_NAME", help="an id in your data, "
                        "or a name in any case")  # fmt: skip
    parser.add_argument("--k", type=int, default=10, metavar="N", help="how many (default: 10)")
    parser.set_defaults(run=run)


def run(arguments):
    recommender = Recommender.load(arguments.file)
    item = item_id(recommender, arguments.item)
    print_table(recommender.similar_items(item, arguments.k))
    return 0
