"""Writes the results of Python's fnmatch.fnmatchcase for random pairs of a pattern and a text.

    python3 conformance/filter/fnmatch_table.py [--pairs 4000] [--seed 20261123]

The output has a line of JSON for each pattern: [pattern, texts that match, texts that do not match]. Without arguments it writes
packages/filter/src/fixtures/fnmatch-table.jsonl. It needs CPython 3.9 or later. Earlier versions reject empty ranges such as [b-a].
"""

import argparse
import fnmatch
import json
import random
import warnings

TEXTS_PER_PATTERN = 5

# Parts of names, pattern syntax, and characters that are special in regular expressions or longer than 16 bits.
NAMES = ["a", "b", "c", "app", "prod", "dev", "v1", "0", "9", "Z", "latest", "/", ":", ".", "-", "_", "--", "__"]
SYNTAX = ["*", "?", "[", "]", "!", "^", "-", "[!", "**", "*?", "[]", "[!]", "[a-c]", "[!0-9]", "[-a]", "[a-]", "[b-a]"]
FOREIGN = ["\\", "(", ")", "+", "|", "&&", "~~", "||", "$", "{2}", "\\d", "\n", "é", "ß", "\u00a0", "中", "\U0001f600"]
IN_BRACKETS = ["a", "b", "c", "z", "0", "9", "-", "-", "-", "!", "^", "[", "\\", "&", "~", "|", "Z", "_", "/", "é", "\U0001f600"]


def random_bracket(rng):
    members = rng.choice([IN_BRACKETS, ["a", "c", "e", "-", "-", "!"]])  # The short list makes ranges, and ranges after ranges.
    inner = "".join(rng.choice(members) for _ in range(rng.randint(0, 7)))
    return rng.choice(["[", "[", "[!", "[]", "[!]"]) + inner + "]"


def random_pattern(rng):
    if rng.random() < 0.3:  # A typical pattern.
        repository = "/".join(rng.choice(["*", "app", "prod", "a*", "?pp", "[a-p]*"]) for _ in range(rng.randint(1, 3)))
        return repository + ":" + rng.choice(["*", "latest", "v?", "v[0-9]*", "*-soci", "[!v]*", "V1", "v1.*"])
    pieces = []
    for _ in range(rng.randint(0, 8)):
        kind = rng.random()
        if kind < 0.4:
            pieces.append(rng.choice(NAMES))
        elif kind < 0.65:
            pieces.append(rng.choice(SYNTAX))
        elif kind < 0.9:
            pieces.append(random_bracket(rng))
        else:
            pieces.append(rng.choice(FOREIGN))
    return "".join(pieces)


def random_piece(rng):
    pool = rng.choices([NAMES, SYNTAX, FOREIGN, IN_BRACKETS], [6, 1, 1, 2])[0]
    return rng.choice(pool)


def text_like(rng, pattern):
    """Fills a pattern's wildcards in; rarely changes something, so that about half of the texts match."""
    text, at = [], 0
    while at < len(pattern):
        character = pattern[at]
        end = pattern.find("]", at + 2)
        if character == "*":
            text += [random_piece(rng) for _ in range(rng.choice([0, 1, 1, 2, 5]))]
        elif character == "?":
            text.append(rng.choice(random_piece(rng)))
        elif character == "[" and end != -1:
            members = (pattern[at + 1 : end].lstrip("!") or "a") + "bd-"
            text.append(rng.choice(members) if rng.random() < 0.8 else rng.choice(random_piece(rng)))
            at = end
        else:
            text.append(character)
        at += 1
    if text and rng.random() < 0.25:
        text[rng.randrange(len(text))] = rng.choice(["", random_piece(rng)])
    return "".join(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=20261123)
    options = parser.parse_args()
    warnings.simplefilter("ignore", FutureWarning)  # of re, about sets in sets
    rng = random.Random(options.seed)
    for _ in range(options.pairs // TEXTS_PER_PATTERN):
        pattern = random_pattern(rng)
        answers = ([], [])
        for _ in range(TEXTS_PER_PATTERN):
            text = text_like(rng, pattern)
            answers[0 if fnmatch.fnmatchcase(text, pattern) else 1].append(text)
        print(json.dumps([pattern, *answers], separators=(",", ":")))


if __name__ == "__main__":
    main()
