"""The commands about rule files: what they print, and how they fail."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys

import pytest
from commands import run
from effort import slow_but
from programs import UNARY_MULTIPLICATION

import markovlib as mk
from markovlib.cli import rules as cli_rules

MAIN = [sys.executable, "-m", "markovlib"]


@pytest.fixture
def rules(tmp_path):
    path = tmp_path / "multiply.rosetta"
    path.write_text(mk.RuleSet(UNARY_MULTIPLICATION).format("rosetta"))
    return path


def piped(data: bytes, *args):
    return subprocess.run([*MAIN, *map(str, args)], input=data, capture_output=True, check=False)


def test_run_prints_the_last_words(rules):
    assert run("run", rules, "_11*11_", "_111*11_").stdout == "1111\n111111\n"


def test_words_come_from_standard_input(tmp_path):
    path = tmp_path / "sort.markov"
    path.write_text("ba -> ab\n")
    assert piped(b"bab\n\nba", "run", path).stdout == b"abb\n\nab\n"
    assert piped(b"ba\n\0bba\0", "run", "-0", path).stdout == b"ab\n\0abb\0"
    done = piped(b"\xff\x00ba\n", "run", path)
    assert (done.returncode, done.stdout) == (0, b"\xff\x00ab\n")
    done = piped(b"a\n\xff\n", "run", "--text", path)
    assert (done.returncode, done.stdout) == (2, b"a\n")
    assert done.stderr.startswith(b"markovlib: error: standard input, word 2: byte 0xff at position 0 is not UTF-8")


@pytest.mark.parametrize("separator", [b"\n", b"\0"])
def test_words_may_begin_and_end_in_any_block(monkeypatch, separator):
    words = [b"", b"a", b"", b"bcd", b"e" * 9, b"f"]
    data = separator.join(words)
    for size in range(1, len(data) + 1):
        blocks = [data[i : i + size] for i in range(0, len(data), size)]
        monkeypatch.setattr(cli_rules, "_next_block", iter([*blocks, b""]).__next__)
        assert list(cli_rules.read_words((), text=False, nul=separator == b"\0")) == words


def test_what_is_done_is_shown_before_more_words_are_waited_for(tmp_path):
    path = tmp_path / "sort.markov"
    path.write_text("ba -> ab\n")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [*MAIN, "run", path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        process.stdin.write(b"bba\nb")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], 30)
        assert ready
        assert process.stdout.readline() == b"abb\n"
        assert process.communicate(b"a\n")[0] == b"ab\n"


@pytest.mark.parametrize("closed", slow_but(["<&- >&- 2>&-"], ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"]))
def test_closed_streams_are_as_the_null_device(tmp_path, closed):
    path = tmp_path / "sort.markov"
    path.write_text("ba -> ab\n")
    commands = [["run", path, "ba"], ["trace", path]]
    if closed.count("&-") == 3:
        commands += [["check", path], ["presets", "trace"]]
    for command in commands:
        shell = ["sh", "-c", f'"$@" {closed}', "sh", *MAIN, *command]
        done = subprocess.run(shell, capture_output=True, stdin=subprocess.DEVNULL, check=False)
        assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
        assert (done.stdout == b"") == (">&-" in closed.split() or command[0] in ("trace", "check"))


def test_not_halted_is_exit_1(tmp_path):
    path = tmp_path / "grow.markov"
    path.write_text("a -> aa\n")
    result = run("run", path, "a", "--max-steps", 3, code=1)
    assert result.stdout == "aaaa\n"
    assert "stopped at the step limit after 3 steps" in result.stderr
    assert "length limit" in run("run", path, "a", "--max-length", 2, code=1).stderr
    path.write_text("a -> b\nb -> a\n")
    assert "period 2" in run("run", path, "a", "--detect-cycles", code=1).stderr


def test_run_json(tmp_path):
    path = tmp_path / "r.markov"
    path.write_text("a -> b\nb -> a\n")
    lines = run("run", path, "a", "ca", "x", "--detect-cycles", "--json", code=1).stdout.splitlines()
    assert json.loads(lines[0]) == {
        "word": "a",
        "outcome": "cycle",
        "steps": 4,
        "halted": False,
        "cycle": {"start": 0, "period": 2},
    }
    assert json.loads(lines[2])["outcome"] == "no_rule_applies"
    line = piped(b"\xff", "run", "--json", path).stdout
    assert json.loads(line)["word_base64"] == "/w=="


def test_trace_shows_match_and_rule(rules):
    lines = run("trace", rules, "_1*1_").stdout.splitlines()
    assert lines[0].split() == ["1", "_1*1_", "6:", "1*1", "->", "x,@y"]
    assert lines[1].index("^") == lines[0].index("1*1_")
    assert lines[1].strip() == "^^^"
    assert lines[-2].split() == ["=", "1_"]
    assert lines[-1].strip().startswith("halted after")
    assert "\x1b" not in "".join(lines)


def test_trace_in_colour_marks_the_match(rules):
    out = run("trace", "--color", rules, "_1*1_").stdout
    assert "\x1b[1;30;43m1*1\x1b[0m" in out
    assert "^^^" not in out


def test_trace_of_an_empty_pattern_and_of_unprintable_letters(tmp_path):
    path = tmp_path / "r.markov"
    path.write_text('"\\n" -> t\n"" ->. x\n')
    lines = run("trace", path, "a\nb").stdout.splitlines()
    assert lines[0].split() == ["1", "a\\nb", "1:", "\\n", "->", "t"]
    assert lines[2].split() == ["2", "‸atb", "2:", '""', "->.", "x"]


def test_long_words_are_cut_around_the_match(tmp_path):
    path = tmp_path / "r.markov"
    path.write_text("<> ->. !\n")
    word = "a" * 300 + "<>" + "b" * 300
    line = run("trace", "--width", 60, path, word).stdout.splitlines()[0]
    assert len(line) <= 60
    assert "a<>b" in line
    assert line.count("…") == 2


@pytest.mark.parametrize(
    ("options", "numbers", "left_out"),
    [
        (["--first", "2"], [1, 2], 8),
        (["--last", "3"], [8, 9, 10], 7),
        (["--first", "1", "--last", "1"], [1, 10], 8),
        (["--first", "99"], list(range(1, 11)), 0),
        (["--last", "0"], [], 10),
    ],
)
def test_first_and_last_steps(tmp_path, options, numbers, left_out):
    path = tmp_path / "r.markov"
    path.write_text("a -> b\n")
    out = run("trace", path, "a" * 10, *options).stdout
    shown = [int(line.split()[0]) for line in out.splitlines() if line.split()[0].isdigit()]
    assert shown == numbers
    assert (f"... {left_out} steps left out ..." in out) == bool(left_out)
    objects = [json.loads(line) for line in run("trace", path, "a" * 10, "--json", *options).stdout.splitlines()]
    assert [o["step"] for o in objects[:-1]] == numbers
    assert objects[-1] == {"outcome": "no_rule_applies", "steps": 10, "halted": True, "word": "b" * 10}
    if numbers:
        last = objects[-2]
        n = last["step"]
        assert (last["before"], last["word"]) == ("b" * (n - 1) + "a" * (11 - n), "b" * n + "a" * (10 - n))


def test_the_last_line_of_a_trace_in_json_is_what_run_prints(tmp_path):
    path = tmp_path / "swap.markov"
    path.write_text("a -> b\nb -> a\n")
    traced = run("trace", path, "xa", "--json", "--detect-cycles", code=1).stdout.splitlines()
    (ran,) = run("run", path, "xa", "--json", "--detect-cycles", code=1).stdout.splitlines()
    assert json.loads(traced[-1]) == json.loads(ran)
    assert json.loads(ran)["cycle"] == {"start": 0, "period": 2}


def test_each_line_of_traces_in_json_tells_its_word(tmp_path):
    path = tmp_path / "r.markov"
    path.write_text("a -> b\n")
    lines = [json.loads(line) for line in run("trace", path, "a", "", "aa", "--json").stdout.splitlines()]
    assert [line["word_number"] for line in lines] == [1, 1, 2, 3, 3, 3]
    assert [line.get("step") for line in lines] == [1, None, None, 1, 2, None]
    lines = piped(b"a\n", "trace", path, "--json").stdout.splitlines()
    assert [json.loads(line)["word_number"] for line in lines] == [1, 1]
    assert "word_number" not in run("trace", path, "a", "--json").stdout


def test_traces_in_json_are_utf8_whatever_the_terminal_is_in(tmp_path):
    path = tmp_path / "ж.markov"
    path.write_text("ж -> б\n", encoding="utf-8")
    command = [*MAIN, "trace", "--json", str(path), "ж"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert done.stdout == piped(b"", *command[len(MAIN) :]).stdout
    assert [json.loads(line)["word"] for line in done.stdout.splitlines()] == ["б", "б"]


def test_letters_that_the_terminal_lacks_are_written_as_escapes(tmp_path):
    path = tmp_path / "r.markov"
    path.write_text("ж -> б\n", encoding="utf-8")
    for encoding, word in (("ascii", rb"\u0436"), ("utf-8", "ж".encode()), ("koi8-r", "ж".encode("koi8-r"))):
        environment = {**os.environ, "PYTHONIOENCODING": encoding}
        done = subprocess.run([*MAIN, "trace", "--text", path, "ж"], env=environment, capture_output=True, check=True)
        assert word in done.stdout


def test_check(tmp_path):
    path = tmp_path / "r.markov"
    path.write_text("a -> b\n\n# dead\nxax -> c\nc -> c\nc -> d\n")
    result = run("check", path, code=1)
    assert result.stdout.splitlines() == [
        f"{path}:4:1: rule 2 can never fire: the pattern of rule 1, 'a', occurs in its pattern",
        f"{path}:5:1: rule 3 changes nothing: once it applies, the run goes on for ever",
        f"{path}:6:1: rule 4 can never fire: rule 3 has the same pattern",
    ]
    assert [json.loads(line)["kind"] for line in run("check", "--json", path, code=1).stdout.splitlines()] == [
        "dead",
        "idle",
        "duplicate",
        "termination",
        "confluence",
    ]
    assert "does not terminate: 'c' comes back after 1 step" in result.stderr
    path.write_text("a -> b\n")
    result = run("check", path)
    assert result.stderr.splitlines()[-1] == f"{path}: 1 rule, 0 terminal; no findings"
    assert "terminates on every word" in result.stderr
    line = json.loads(run("check", "--json", path).stdout.splitlines()[0])
    assert (line["status"], line["stages"][0]["measure"]["weights"]) == ("terminates", {"a": 1})
    path.write_text("a -> b\nxb -> a\n")
    result = run("check", "--letters", "ab", path, code=1)
    sentence = "rule 2 can never fire on words over 'ab': no rule that can fire there produces 'x'"
    assert result.stdout == f"{path}:2:1: {sentence}\n"


def test_letters_of_check_that_are_not_utf8(tmp_path):
    path = tmp_path / "r.markov"
    path.write_text("a -> b\n")
    error = run("check", "--text", "--letters", "a\udcff", path, code=2).stderr
    assert "--letters: byte 0xff at position 1 is not UTF-8; leave --text out to work on bytes" in error
    run("check", "--letters", "a\udcff", path)


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        (b"a", "'a'"), ("é".encode(), "'é'"), (b"\xff\\", r"'\xff\\'"),
        (b"b'a'", '''"b'a'"'''), (b"'x\"", r"""'\'x"'"""),
    ],
)  # fmt: skip
def test_check_shows_bytes_as_findings_do(tmp_path, word, shown):
    path = tmp_path / "r.markov"
    quoted = b'"%s"' % word.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    path.write_bytes(b"%s -> %s\n" % (quoted, quoted))
    stderr = run("check", path, code=1).stderr
    assert f"{path}: does not terminate: {shown} comes back after 1 step\n" in stderr


def test_mistakes_in_rule_files_are_one_line(tmp_path):
    path = tmp_path / "r.markov"
    path.write_text("a -> b\nb => c\n")
    for command in (["run", path, "a"], ["trace", path, "a"], ["check", path]):
        result = run(*command, code=2)
        assert result.stdout == ""
        assert result.stderr.startswith(f"{path}:2:3: ")
        assert result.stderr.count("\n") == 1
    path.write_bytes(b"a -> \xff\n")
    assert run("run", path, "a").stdout_bytes == b"\xff\n"
    stderr = run("run", "--text", path, "a", code=2).stderr
    assert stderr.startswith(f"{path}:1:6: ")
    assert "leave --text out" in stderr
    assert "kind=" not in stderr


def test_files_that_cannot_be_read(tmp_path):
    missing = run("run", tmp_path / "none.markov", "a", code=2)
    assert missing.stderr == f"markovlib: error: {tmp_path / 'none.markov'}: No such file or directory\n"
    path = tmp_path / "rules.txt"
    path.write_text("a -> b\n")
    for command in (["run", path, "a"], ["trace", path, "a"], ["check", path], ["convert", path, "--to", "mao"]):
        stderr = run(*command, code=2).stderr
        assert "nothing says which notation this is" in stderr
        assert "or pass --notation NAME\n" in stderr
        assert "notation=" not in stderr
    assert run("convert", "--notation", "arrow", path, "--to", "mao").stdout == "a:b\n"
    assert run("run", "--notation", "arrow", path, "a").stdout == "b\n"
    assert "unknown notation" in run("run", "--notation", "arow", path, "a", code=2).stderr
    assert "is a directory" in run("run", tmp_path, "a", code=2).stderr


def test_large_files_are_refused_unless_asked_for(tmp_path):
    path = tmp_path / "large.markov"
    with path.open("wb") as file:
        file.write(b"a -> b\n# ")
        file.truncate(2**26 + 1)
    for command in (["run", path, "a"], ["convert", path, "--detect"]):
        assert "more than the limit of 67108864: pass --any-size to read it\n" in run(*command, code=2).stderr


def test_convert_writes_another_notation(tmp_path):
    path = tmp_path / "r.rosetta"
    path.write_text("ba -> ab\nb -> .\n")
    assert run("convert", path, "--to", "mao").stdout == "ba:ab\nb::\n"
    assert run("convert", path, "--to", "mao", "--out", "-").stdout == "ba:ab\nb::\n"
    out = tmp_path / "r.markov"
    run("convert", path, "--to", "arrow", "--out", out)
    assert run("run", out, "bab").stdout == "ab\n"
    stderr = run("convert", path, "--to", "arrow", "--out", out, code=2).stderr
    assert f"{out} exists, and convert never overwrites a file: remove it first, or give --out another name" in stderr
    assert out.read_text().startswith("ba -> ab\n")
    assert "has no terminal rules" in run("convert", path, "--to", "a2b", code=2).stderr
    failed = run("convert", path, "--from", "tight", "--to", "nowhere", code=2)
    assert "unknown notation 'nowhere'" in failed.stderr
    path.write_text("b => a\n")
    assert run("convert", path, "--to", "mao", code=2).stderr.startswith(
        f"{path}:1:3: '=>' is not this notation's arrow"
    )


def test_convert_says_what_it_leaves_out(tmp_path):
    path = tmp_path / "r.txt"
    path.write_text("aab\nab -> ba\n")
    result = run("convert", path, "--from", "input-first", "--to", "arrow")
    assert result.stdout == "ab -> ba\n"
    assert "left out, being no rule: the input word 'aab'" in result.stderr


def test_convert_detects_and_lists(tmp_path):
    path = tmp_path / "r.txt"
    path.write_text("ab:ba\nb::\n")
    assert run("convert", path, "--detect").stdout.splitlines()[0] == "mao"
    found = json.loads(run("convert", path, "--detect", "--json").stdout)
    assert found["notation"] == "mao"
    assert "colon-trimmed" in found["same"]
    path.write_text("")
    assert run("convert", path, "--detect", code=1).stdout.startswith("unknown\n")
    for data in ("a -> b\n".encode("utf-16"), bytes(range(256)) * 9):
        path.write_bytes(data)
        assert "control characters" in run("convert", path, "--detect", code=1).stdout
    path.write_text("a -> b\n:\n")
    unknown = run("convert", path, "--detect", code=1).stdout
    assert unknown.startswith("unknown\n  not arrow: line 2: ")
    found = json.loads(run("convert", path, "--detect", "--json", code=1).stdout)
    assert found["notation"] is None
    assert "rosetta " in run("convert", "--list").stdout
    assert "--json is of --detect alone" in run("convert", path, "--to", "mao", "--json", code=2).stderr
    assert "Missing option '--to'" in run("convert", path, code=2).stderr
    assert "Missing argument 'FILE'" in run("convert", code=2).stderr


def test_a_word_that_looks_like_an_option_is_told_where_to_go(rules):
    for command in (["run", rules, "-x"], ["trace", rules, "-10"]):
        assert "what begins with '-' and is no option goes after --; see" in run(*command, code=2).stderr
    assert "after --;" not in run("convert", rules, "-x", code=2).stderr


def test_rules_may_come_from_standard_input():
    rules = b"# notation: arrow\nba -> ab\n"
    assert piped(rules, "run", "-", "bba", "ba").stdout == b"abb\nab\n"
    assert piped(rules, "convert", "-", "--to", "mao").stdout == b"ba:ab\n"
    assert json.loads(piped(b"ab:ba\nb::\n", "convert", "-", "--detect", "--json").stdout)["file"] == "<stdin>"
    assert piped(rules, "trace", "--json", "-", "ba").stdout.count(b"\n") == 2
    assert piped(rules, "check", "-").stderr.endswith(b"<stdin>: 1 rule, 0 terminal; no findings\n")
    for command in ("run", "trace"):
        done = piped(rules, command, "-")
        assert (done.returncode, done.stdout) == (2, b"")
        assert b"give words as arguments" in done.stderr
    for command in (["run", "-", "a"], ["trace", "-", "a"], ["check", "-"], ["convert", "-", "--to", "mao"]):
        done = piped(b"a => b\n", *command, "--notation", "arrow")
        assert (done.returncode, done.stderr[:24]) == (2, b"<stdin>:1:3: '=>' is not")
        unknown = piped(b"a -> b\n", *command).stderr
        assert unknown.startswith(b"<stdin>:1:1: nothing says which notation this is")
        assert b"name it" not in unknown
    large = piped(b"#" * (2**26 + 1), "run", "--notation", "arrow", "-", "a")
    assert large.stderr.endswith(b"more than the limit of 67108864: pass --any-size to read it\n")


def test_limits_may_be_none(tmp_path):
    path = tmp_path / "r.markov"
    path.write_text("a -> b\n")
    assert run("run", path, "--max-steps", "none", "--max-length", "none", "a" * 9).stdout == "b" * 9 + "\n"
    path.write_text("a -> ab\n")
    grown = run("run", path, "--max-steps", "none", "--max-length", 1_500_000, "a", code=1)
    assert "stopped at the length limit after 1,499,999 steps" in grown.stderr
    assert "'nune' is not a whole number" in run("run", path, "--max-steps", "nune", "a", code=2).stderr


def test_several_files_are_checked(tmp_path):
    good, bad, wrong = (tmp_path / f"{name}.markov" for name in ("good", "bad", "wrong"))
    good.write_text("a -> b\n")
    bad.write_text("x -> x\n")
    wrong.write_text("c => d\n")
    alone = [run("check", path, code=code) for path, code in ((good, 0), (bad, 1))]
    both = run("check", good, bad, code=1)
    assert (both.stdout, both.stderr) == tuple(
        "".join(getattr(one, out) for one in alone) for out in ("stdout", "stderr")
    )
    files = [json.loads(line)["file"] for line in run("check", "--json", good, bad, code=1).stdout.splitlines()]
    assert files == [str(good)] * 2 + [str(bad)] * 3
    broken = run("check", wrong, good, bad, code=2)
    assert broken.stderr == run("check", wrong, code=2).stderr + both.stderr
    assert broken.stdout == both.stdout
