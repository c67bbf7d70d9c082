"""python -m ncf_numpy recommend MODEL: the best items for users, for all, or for a new user."""

from ..recommender.recommender import Recommender
from .outputs import check_outputs
from .printing import item_id, item_ids, print_table, user_id


def add_parser(commands):
    parser = commands.add_parser(
        "recommend",
        help="recommend items to users of a saved model",
        description="Print the best items for one or more users, without those they have; or for "
        "a new user, who has the items of --has; or write the lists of all users to a file. "
        "Exit status: 0 done, 1 error, 2 usage.",
        epilog="example: python -m ncf_numpy recommend model.npz --user 2 --k 5",
    )
    parser.add_argument("file", metavar="MODEL.npz", help="what train --save wrote")
    several = {"nargs": "+", "action": "extend"}
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--user", **several, metavar="ID", help="users, by the ids in your data")
    who.add_argument("--all", action="store_true", help="all users; needs --csv")
    who.add_argument("--has", **several, metavar="ITEM", help="items of a new user, ids or names")
    parser.add_argument("--k", type=int, default=10, metavar="N", help="how many (default: 10)")
    parser.add_argument("--seen", action="store_true", help="also recommend what they have already")
    parser.add_argument("--only", **several, metavar="ITEM", help="choose among these items only")
    parser.add_argument("--without", **several, metavar="ITEM", help="leave these items out")
    parser.add_argument("--csv", metavar="FILE.csv", help="write the lists there, with columns "
                        "user, item, name, score")  # fmt: skip
    parser.set_defaults(run=run)


def run(arguments):
    if arguments.all and not arguments.csv:
        raise ValueError("--all writes a file: add --csv FILE.csv")
    if arguments.has and arguments.csv:
        raise ValueError("--csv writes the lists of known users: give --user or --all, not --has")
    check_outputs(arguments, arguments.csv)
    recommender = Recommender.load(arguments.file)
    how = {"k": arguments.k, "exclude_seen": not arguments.seen}
    for name in ("only", "without"):
        how[name] = item_ids(recommender, getattr(arguments, name))
    if arguments.has:
        new_user = recommender.fold_in([item_id(recommender, text) for text in arguments.has])
        print_table(new_user.recommend(**how))
        return 0
    users = None if arguments.all else [user_id(recommender, text) for text in arguments.user]
    if arguments.csv:
        recommender.write_recommendations(arguments.csv, users, **how)
    else:
        print_table(recommender.recommend(users if len(users) > 1 else users[0], **how))
    return 0
