"""download: fetch a data set into the cache and print the folder it lies in."""

from ..data.terminal import printable, say
from ..datasets.catalogue import DATASETS, find_dataset
from ..datasets.downloads import digest, download
from ..datasets.network import Connection


def add_parser(commands):
    parser = commands.add_parser(
        "download",
        help="fetch a data set and print the folder it lies in",
        description="Fetch a data set, unless it is in NCF_NUMPY_DATA or in the cache already, "
        "and print the folder it lies in. Without a name: list what there is.",
        epilog="example: python -m ncf_numpy download lastfm-2k",
    )
    parser.add_argument(
        "name", nargs="?", choices=DATASETS, metavar="NAME", help=", ".join(DATASETS)
    )
    parser.add_argument("--folder", metavar="PATH", help="put the files here (default: the cache)")
    parser.add_argument("--base-url", metavar="URL", help="a mirror to ask instead of the hosts")
    parser.add_argument("--quiet", action="store_true", help="only print the folder")
    parser.set_defaults(run=run)


def run(arguments):
    if arguments.name is None:
        for option in ("folder", "base_url"):
            if getattr(arguments, option):
                say(f"--{option.replace('_', '-')} needs the name of a data set: download NAME")
                return 2
        return list_datasets()
    dataset = DATASETS[arguments.name]
    if not arguments.quiet:
        say(f"{dataset.title}. Licence: {dataset.licence}.")
    connection = Connection(base_url=arguments.base_url, progress=not arguments.quiet)
    folder = download(arguments.name, arguments.folder, connection=connection)
    if not arguments.quiet:
        for part in dataset.parts:
            for file in part.members or (part,):
                path = folder / file.name
                checked = file.checksum or part.checksum
                known = "" if checked else ", no published checksum to compare it with"
                say(f"{file.name}: {path.stat().st_size:,} bytes, sha256 {digest(path)}{known}")
    print(printable(folder))
    return 0


def list_datasets():
    for name, dataset in DATASETS.items():
        print(f"{name:18}{dataset.title}\n{'':18}licence: {dataset.licence}")
        print(f"{'':18}{printable(find_dataset(name) or 'not here yet')}")
    return 0
