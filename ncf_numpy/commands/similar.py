"""python -m ncf_numpy similar MODEL: the items most like one item, or the users most like one."""

from ..recommender.recommender import Recommender
from .printing import item_id, print_table, user_id


def add_parser(commands):
    parser = commands.add_parser(
        "similar",
        help="find the items or users most like one",
        description="Print the items most like one item of a saved model, or the users most like "
        "one user. Exit status: 0 done, 1 error, 2 usage.",
        epilog='example: python -m ncf_numpy similar model.npz --item "Drowsy Herons"',
    )
    parser.add_argument("file", metavar="MODEL.npz", help="what train --save wrote")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--item", metavar="ID_OR_NAME", help="an id in your data, or a name in any "
                      "case")  # fmt: skip
    what.add_argument("--user", metavar="ID", help="a user, by the id in your data")
    parser.add_argument("--k", type=int, default=10, metavar="N", help="how many (default: 10)")
    parser.set_defaults(run=run)


def run(arguments):
    recommender = Recommender.load(arguments.file)
    if arguments.item is not None:
        item = item_id(recommender, arguments.item)
        print_table(recommender.similar_items(item, arguments.k))
    else:
        user = user_id(recommender, arguments.user)
        print_table(recommender.similar_users(user, arguments.k))
    return 0
