"""The notations with one rule a line, as choices of `Dialect`; docs/notation.md names where each comes from."""

from __future__ import annotations

from markovlib.notations.dialect import (
    Dialect,
    input_before_rules,
    input_first,
    input_last,
    notation,
    two_alphabets,
    write_alphabets,
)

DOTTED = ("->.",)
FAT = ("=>",)

DIALECTS: dict[str, tuple[str, Dialect]] = {
    "a2b": ("p=r, blanks removed, '#' comments (the game A=B, without its keywords)", Dialect(
        ("=",), blanks="removed", hash="comment", keywords=("(start)", "(end)", "(once)", "(return)"),
    )),
    "alphabet-line": ("p -> r without terminal rules; '//' comments, a line L = {..}", Dialect(
        comments=("//",), alphabets=("L",),
    )),
    "alphabet-sets": ("p -> r, terminal p ->. r; lines T = {..} and A = {..}", Dialect(
        terminal=DOTTED, alphabets=("T", "A"),
    )),
    "codeforces": ("p>>r, terminal p<>r; blanks are letters (Codeforces 301C)", Dialect(
        (">>",), ("<>",), "kept",
    )),
    "colon-packed": ("p : r, terminal p :: r; blanks removed, '#' comments", Dialect(
        (":",), ("::",), "removed", hash="comment",
    )),
    "colon-trimmed": ("p:r, terminal p::r; blanks trimmed, a line without ':' is a comment", Dialect(
        (":",), ("::",), stray="skip",
    )),
    "dot-alone": ("p -> r, terminal p -> . with an empty replacement only", Dialect(dot="alone")),
    "dot-last": ("p -> r, terminal p -> r. with the dot last; _ is the empty word", Dialect(
        dot="last", empty=("_",),
    )),
    "dot-packed": ("p -> r, terminal p -> .r; blanks and every _ removed", Dialect(
        blanks="removed", dot="first", dropped="_",
    )),
    "double-packed": ("p -> r, terminal p => r; blanks removed, escape \\n, lines without an arrow skipped", Dialect(
        terminal=FAT, blanks="removed", stray="skip", escapes={"n": "\n"},
    )),
    "eps": ("p -> r, terminal p ->. r; eps is the empty word", Dialect(terminal=DOTTED, empty=("eps",))),
    "eps-words": ("p -> r, terminal p ->. r; three words a line, eps is the empty word", Dialect(
        terminal=DOTTED, blanks="error", spaced=True, empty=("eps",), must_fill=True,
    )),
    "faraui": ("p , r, terminal p . r; three words a line, ^ is the empty word", Dialect(
        (",",), (".",), "error", spaced=True, empty=("^",), must_fill=True,
    )),
    "greater": ("p>r, terminal by one dot in r; '#' comments", Dialect(
        (">",), blanks="error", dot="anywhere", hash="comment",
    )),
    "hash-anywhere": ("p -> r, terminal p |-> r or p => r; blanks removed, '#' comments anywhere", Dialect(
        terminal=("|->", "=>"), blanks="removed", cut=("#",),
    )),
    "input-first": ("p -> r, terminal p ->. r; the first line is the input word", Dialect(
        terminal=DOTTED, split=input_first, begin=lambda _: "\n",
    )),
    "mao": ("p:r, terminal p::r; blanks are letters (Markov Algorithm Online)", Dialect((":",), ("::",), "kept")),
    "mao-comments": ("mao with '#' comments", Dialect((":",), ("::",), "kept", hash="comment")),
    "mao-escapes": ("mao with the escapes \\n \\: \\\\", Dialect(
        (":",), ("::",), "kept", escapes={"n": "\n", ":": ":", "\\": "\\"},
    )),
    "marthue": ("p->r, terminal p->.r; the last line is the input, '//' and '#' comments (marthue)", Dialect(
        terminal=DOTTED, blanks="error", comments=("//",), hash="either", split=input_last,
    )),
    "repl": (">> p -> r, terminal >> p => r: the prompts of an interactive shell", Dialect(terminal=FAT, prompt=">> ")),
    "semicolon": ("p>r, terminal p>r. with the dot last; ';' comments, the input word first", Dialect(
        (">",), dot="last", comments=(";",), split=input_before_rules,
    )),
    "slashes": ("p->r, terminal p->.r; // is the empty word", Dialect(
        terminal=DOTTED, blanks="error", empty=("//",),
    )),
    "substitution": ("p => r, an ordinary rule; no terminal rules (redpwn CTF 2021)", Dialect(
        FAT, blanks="error", spaced=True,
    )),
    "tight": ("p->r, terminal p->.r; no blanks inside a side", Dialect(terminal=DOTTED, blanks="error")),
    "turingmarkov": ("p -> r, terminal p => r; blanks removed (turingmarkov)", Dialect(
        terminal=FAT, blanks="removed",
    )),
    "two-alphabets": ("p -> r, terminal p ->. r; the first two lines are alphabets", Dialect(
        terminal=DOTTED, split=two_alphabets, begin=write_alphabets,
    )),
    "underscore-words": ("p -> r, terminal p ->. r; three words a line, _ is empty, one word a comment", Dialect(
        terminal=DOTTED, blanks="error", spaced=True, empty=("_",), must_fill=True, stray="skip if tight",
    )),
    "yad": ("p -> r, terminal p ->. r; $ or '' is empty, '//' comments, T = {..} and I = {..} (YAD Studio)", Dialect(
        terminal=DOTTED, spaced=True, empty=("$", "''"), cut=("//",), hash="either", alphabets=("T", "I"),
    )),
}  # fmt: skip

SUFFIXES = {"a2b": ".a2b", "yad": ".yad"}

NOTATIONS = {name: notation(about, dialect, SUFFIXES.get(name)) for name, (about, dialect) in DIALECTS.items()}
