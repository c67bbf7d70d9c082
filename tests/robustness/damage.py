"""Damage as disks, networks, editors and enemies do it, all of it drawn from a seed."""

import numpy as np

# What breaks readers of text: each is put somewhere into a file.
NASTY = [
    *(b"\0", b"\r", b"\n", b"\r\n", b"\t", b",", b"::", b'"', b'""', b"|", b" ", b"\x1f", b"\x1a"),
    *(b"-", b"+", b".", b"e", b"_", b"0", b"9", b"#", b"\\", b"(", b")", b"'"),
    *(b"nan", b"NA", b"inf", b"1e400", b"1e-400", b"-1", b"0x1F", b"1.5", b"1.", b"1_0", b"None"),
    *(b"9" * 19, b"9" * 20, b"9" * 400, b"1" * 5000, b"x" * 2000),
    *(b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\x80", b"\x85", b"\xa0"),
    *(text.encode() for text in ("\u2028", "\u00a0", "\u0661", "\uff11", "é", "😀")),
]


def truncations(content):
    """The file cut off at every 1 % of its length, nothing left to one byte missing."""
    lengths = {len(content) * percent // 100 for percent in range(100)} | {len(content) - 1}
    return [content[:length] for length in sorted(lengths)]


def mutations(content, rng, n, kinds=None):
    """n damaged versions of content, all different from it."""
    kinds = list(KINDS) if kinds is None else kinds
    made = 0
    while made < n:
        damaged = bytearray(content)
        for _ in range(rng.choice([1, 1, 1, 2, 5])):
            KINDS[kinds[rng.integers(len(kinds))]](damaged, rng)
        if damaged != content:
            made += 1
            yield bytes(damaged)


def flip_bit(content, rng):
    if content:
        content[rng.integers(len(content))] ^= 1 << int(rng.integers(8))


def random_byte(content, rng):
    if content:
        content[rng.integers(len(content))] = int(rng.integers(256))


def insert(content, rng):
    place = rng.integers(len(content) + 1)
    content[place:place] = rng.bytes(int(rng.integers(1, 17)))


def insert_nasty(content, rng):
    place = rng.integers(len(content) + 1)
    content[place:place] = NASTY[rng.integers(len(NASTY))]


def replace_by_nasty(content, rng):
    place = rng.integers(len(content) + 1)
    content[place : place + rng.integers(1, 5)] = NASTY[rng.integers(len(NASTY))]


def delete(content, rng):
    del content[_block(content, rng)]


def zero(content, rng):
    block = _block(content, rng)
    content[block] = bytes(block.stop - block.start)


def repeat(content, rng):
    block = _block(content, rng)
    content[block.start : block.start] = content[block]


def swap(content, rng):
    one, other = sorted((_block(content, rng), _block(content, rng)), key=lambda b: b.start)
    if one.stop <= other.start:
        content[other], content[one] = content[one], content[other]


def _block(content, rng):
    """A slice of the content, short ones likelier than long ones."""
    length = int(np.exp(rng.uniform(0, np.log(max(2, len(content) / 4)))))
    start = int(rng.integers(max(1, len(content) - length)))
    return slice(start, min(start + length, len(content)))


KINDS = {
    function.__name__: function
    for function in (
        flip_bit,
        random_byte,
        insert,
        insert_nasty,
        replace_by_nasty,
        delete,
        zero,
        repeat,
        swap,
    )
}
