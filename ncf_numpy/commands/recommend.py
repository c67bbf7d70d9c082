"""python -m ncf_numpy recommend MODEL: the best items for a user, or for somebody new."""

from ..recommender.recommender import Recommender
from .printing import item_id, print_table, user_id


def add_parser(commands):
    parser = commands.add_parser(
        "recommend",
        help="recommend items to a user of a saved model",
        description="Print the best items for one or more users, without those they have; or for "
        "somebody new, who has the items of --has. Exit status: 0 done, 1 error, 2 usage.",
        epilog="example: python -m ncf_numpy recommend model.npz --user 2 --k 5",
    )
    parser.add_argument("file", metavar="MODEL.npz", help="what train --save wrote")
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--user", nargs="+", metavar="ID", help="users, by the ids in your data")
    who.add_argument("--has", nargs="+", metavar="ITEM", help="items of a new user, ids or names")
    parser.add_argument("--k", type=int, default=10, metavar="N", help="how many (default: 10)")
    parser.add_argument("--seen", action="store_true", help="also recommend what they have already")
    parser.set_defaults(run=run)


def run(arguments):
    recommender = Recommender.load(arguments.file)
    how = {"k": arguments.k, "exclude_seen": not arguments.seen}
    if arguments.has:
        new_user = recommender.fold_in([item_id(recommender, text) for text in arguments.has])
        print_table(new_user.recommend(**how))
    else:
        users = [user_id(recommender, text) for text in arguments.user]
        print_table(recommender.recommend(users if len(users) > 1 else users[0], **how))
    return 0
