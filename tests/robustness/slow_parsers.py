"""What each data file says, read character by character: the slow twins of the loaders.

A parser gives {(user, item): (amount, time)} or what else is in the file, or raises Bad. It knows
no pandas, no csv module and no regular expressions.
"""


class Bad(Exception):
    """The file is not what it should be."""


def records(content, sep, *, encoding="utf-8", quotes=False):
    """[[field, ...], ...] without blank lines; \\n, \\r\\n and \\r end a line."""
    if b"\0" in content or (len(sep) > 1 and b"\x1f" in content):
        raise Bad("control character")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise Bad("encoding") from error
    if encoding == "utf-8":
        text = text.removeprefix("\ufeff")
    lines, fields, field = [], [], ""
    state, place = "start", 0
    while place < len(text):
        character = text[place]
        if state == "quoted":
            if character != '"':
                field += character
            elif text[place + 1 : place + 2] == '"':
                field += '"'
                place += 1
            else:
                state = "in"
        elif text.startswith(sep, place):
            fields.append(field)
            field, state = "", "start"
            place += len(sep) - 1
        elif character in "\r\n":
            place += text.startswith("\r\n", place)
            lines.append([*fields, field])
            fields, field, state = [], "", "start"
        elif character == '"' and quotes and state == "start":
            state = "quoted"
        else:
            field += character
            state = "in"
        place += 1
    if state == "quoted":
        raise Bad("quote never closed")
    if fields or field:
        lines.append([*fields, field])
    return [line for line in lines if len(line) > 1 or line[0].strip(" \t")]


def table(lines, columns, wanted, may_be_empty=False):
    """Records -> [{column: text}, ...] with "" where a line is short; Bad where it is too long."""
    if any(columns.count(name) != 1 for name in wanted) or not (lines or may_be_empty):
        raise Bad("columns")
    if any(len(line) > len(columns) for line in lines):
        raise Bad("too many fields")
    padded = [line + [""] * (len(columns) - len(line)) for line in lines]
    return [{name: line[columns.index(name)] for name in wanted} for line in padded]


def whole(text):
    """An integer of at least 0 in 64 bits, spaces around it allowed."""
    digits = text.strip(" ")
    if not digits or len(digits) > 19 or any(c not in "0123456789" for c in digits):
        raise Bad("whole number")
    if int(digits) >= 2**63:
        raise Bad("64 bits")
    return int(digits)


def number(text, lowest=0.0):
    """A decimal number, perhaps with an exponent, that is at least `lowest` and can be summed."""
    try:
        value = float(text) if all(c in " +-.0123456789eE" for c in text) else None
    except ValueError:
        value = None
    if value is None or not lowest <= value <= 1e290 or len(text) >= 400:
        raise Bad("number")
    return value


def ids(texts):
    """[id, ...]: integers if every text is one, else the texts; without the blanks around them."""
    texts = [text.strip() for text in texts]
    if "" in texts:
        raise Bad("an id is missing")
    if not all(map(is_plain_integer, texts)):
        return texts
    return [int(text.removesuffix(".0")) for text in texts]


def is_plain_integer(text):
    """Whether Python prints an integer so, or pandas a whole number beside a gap: 7 or 7.0."""
    text = text.removesuffix(".0")
    digits = text.removeprefix("-")
    is_short = 0 < len(digits) <= 19 and all(c in "0123456789" for c in digits)
    return is_short and str(int(text)) == text and -(2**63) <= int(text) < 2**63


def whole_ids(texts):
    if not all(is_plain_integer(text.strip()) for text in texts):
        raise Bad("an id is no whole number")
    return ids(texts)


def summed(users, items, amounts):
    """{(user, item): amount}, repeats added."""
    pairs = {}
    for user, item, amount in zip(users, items, amounts):
        pairs[user, item] = pairs.get((user, item), 0.0) + amount
    return pairs


def hetrec(files):
    """({(user, artist): plays}, {artist: name})."""
    lines = records(files["user_artists.dat"], "\t")
    names = "userID", "artistID", "weight"
    plays = table(lines[1:], lines[0] if lines else [], names)
    users, items = (whole_ids([row[name] for row in plays]) for name in names[:2])
    amounts = [number(row["weight"]) for row in plays]
    rows = [row for row in zip(users, items, amounts) if row[2] > 0]
    lines = records(files["artists.dat"], "\t")
    called = names_in(lines[1:], lines[0] if lines else [], "id", "name")
    if not rows:
        raise Bad("nothing is left")
    return summed(*zip(*rows)), {item: called.get(item, str(item)) for _, item, _ in rows}


def names_in(lines, columns, item, name):
    """{id: name} of the lines that have a name; ids are whole numbers."""
    rows = table(lines, columns, (item, name))
    if not rows:
        raise Bad("no rows")
    named = zip(whole_ids([row[item] for row in rows]), [row[name].strip(" \t") for row in rows])
    return {item: name for item, name in named if name}


def csv_table(files):
    """({(user, item): plays}, {item: name}) of any table.csv, rows of 0 plays left out."""
    lines = records(files["table.csv"], ",", quotes=True)
    rows = table(lines[1:], lines[0] if lines else [], ("user", "item", "plays", "name"))
    users, items = (ids([row[name] for row in rows]) for name in ("user", "item"))
    amounts = [number(row["plays"]) for row in rows]
    names = {}
    for item, row, amount in zip(items, rows, amounts):
        if amount > 0 and (row["name"].strip(" \t") or item not in names):
            names.setdefault(item, "")
            names[item] = names[item] or row["name"].strip(" \t")
    pairs = summed(users, items, amounts)
    kept = summed(*zip(*[row for row in zip(users, items, amounts) if row[2] > 0] or [()] * 3))
    if not kept:
        raise Bad("nothing is left")
    assert kept.keys() <= pairs.keys()
    return kept, {item: name or str(item) for item, name in names.items()}


def notebook(files):
    """Last.fm 360K's three CSVs: as `csv_table`, the names from a second file."""
    lines = records(files["lastfm_play.csv"], ",", quotes=True)
    rows = table(lines[1:], lines[0] if lines else [], ("user_id", "artist_id", "plays"))
    users, items = (whole_ids([row[name] for row in rows]) for name in ("user_id", "artist_id"))
    rows = [r for r in zip(users, items, [number(row["plays"]) for row in rows]) if r[2] > 0]
    if not rows:
        raise Bad("nothing is left")
    lines = records(files["lastfm_artist.csv"], ",", quotes=True)
    called = names_in(lines[1:], lines[0] if lines else [], "artist_id", "artist_name")
    return summed(*zip(*rows)), {item: called.get(item, str(item)) for _, item, _ in rows}


def original(files):
    """Last.fm 360K's first form, whose unusable rows are dropped."""
    columns = ["user", "mbid", "name", "plays"]
    lines = records(files["usersha1-artmbid-artname-plays.tsv"], "\t")
    if not lines or len(lines[0]) != 4:
        raise Bad("columns")
    kept, names = [], {}
    for row in table(lines, columns, columns):
        artist = (row["mbid"] or row["name"]).strip()
        try:
            plays = number(row["plays"])
        except Bad:
            continue
        if row["user"].strip() and artist and plays > 0:
            kept.append((row["user"].strip(), artist, plays))
            names[artist] = names.get(artist) or row["name"].strip(" \t")
    if not kept:
        raise Bad("nothing is left")
    return summed(*zip(*kept)), {item: name or item for item, name in names.items()}


def movielens(files):
    """({(user, film): (rating, time)}, {film: title}); of a repeated pair the latest counts."""
    sep, title_sep = ("\t", "|") if "u.data" in files else ("::", "::")
    ratings, titles = files.values()
    lines = records(ratings, sep)
    columns = ["user", "item", "rating", "timestamp"]
    if not lines or len(lines[0]) != 4:
        raise Bad("columns")
    rows = table(lines, columns, columns)
    users, items = (whole_ids([row[name] for row in rows]) for name in ("user", "item"))
    kept = {}
    for user, item, row in zip(users, items, rows):
        time = number(row["timestamp"], -(2.0**53))
        if not abs(time) < 2**53:
            raise Bad("time")
        rating = number(row["rating"])
        if (user, item) not in kept or int(time // 1) >= kept[user, item][1]:
            kept[user, item] = rating, int(time // 1)
    try:
        titles.decode("utf-8")
        encoding = "utf-8"
    except UnicodeDecodeError:
        encoding = "latin-1"
    lines = records(titles, title_sep, encoding=encoding)
    if not lines or len(lines[0]) < 2:
        raise Bad("columns")
    columns = ["film", "title", *map(str, range(2, len(lines[0])))]
    called = names_in(lines, columns, "film", "title")
    return kept, {item: called.get(item, str(item)) for item in items}


def ncf(files):
    """({(user, item): rating}, [(user, item, [negative, ...]), ...])."""
    train, test, negative = files.values()
    rows = []
    for content in (train, test):
        lines = records(content, "\t")
        columns = ["user", "item", "rating", "timestamp"][: len(lines[0]) if lines else 0]
        if len(columns) < 3 or len(lines[0]) > 4:
            raise Bad("columns")
        read = table(lines, columns, columns)
        if "timestamp" in columns:
            [whole(row["timestamp"]) for row in read]
        rows.append([(whole(r["user"]), whole(r["item"]), number(r["rating"])) for r in read])
    lines = records(negative, "\t")
    if len(lines) != len(rows[1]) or len({user for user, _, _ in rows[1]}) < len(rows[1]):
        raise Bad("test users")
    tests = []
    for (head, *texts), (user, item, _) in zip(lines, rows[1]):
        inner = head[1:-1].split(",")
        if head[:1] != "(" or head[-1:] != ")" or len(inner) != 2 or inner[0].strip() != inner[0]:
            raise Bad("head")
        if inner[1].rstrip(" ") != inner[1] or [whole(part) for part in inner] != [user, item]:
            raise Bad("head")
        while texts and not texts[-1]:
            texts.pop()
        if not texts:
            raise Bad("negatives")
        tests.append((user, item, [whole(text) for text in texts]))
    n_negatives = [len(negatives) for _, _, negatives in tests]
    if len(tests) * max(n_negatives) > 16 * sum(n_negatives):
        raise Bad("unequal")
    n_rows = len(rows[0]) + len(rows[1])
    n_all = n_rows + len(tests) * max(n_negatives)
    largest = max(user for user, _, _ in rows[0] + rows[1])
    largest_item = max([i for _, i, _ in rows[0] + rows[1]] + [max(n) for _, _, n in tests])
    if largest >= n_rows + 1000 or largest_item >= n_all + 1000:
        raise Bad("gap")
    kept = [row for row in rows[0] if row[2] > 0]
    if not kept:
        raise Bad("nothing to train on")
    return summed(*zip(*kept)), sorted(tests)
