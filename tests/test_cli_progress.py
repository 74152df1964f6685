"""What long commands tell of themselves while they work."""

import io
import json
import subprocess
import sys

from markovlib.cli import progress
from markovlib.shards.coordination import Progress

MARKOVLIB = [sys.executable, "-c", "from markovlib.cli import main; main()"]


def test_json_lines_come_once_a_second_and_at_the_end(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(sys, "stderr", said := io.StringIO())
    with progress.shown(as_json=True) as advance:
        for rows in range(0, 1001, 50):
            advance(Progress("train", rows, 1000, 10 * rows))
            now[0] += 0.25
        advance(Progress("train", 1000, 1000, 10_000))
        advance(Progress("seen", 5, 5, 7))
    events = [json.loads(line) for line in said.getvalue().splitlines()]
    assert [(event["split"], event["rows"]) for event in events] == [
        ("train", 200), ("train", 400), ("train", 600), ("train", 800), ("train", 1000), ("seen", 5),
    ]  # fmt: skip
    assert events[1] == {
        "event": "progress", "split": "train", "rows": 400, "total": 1000, "bytes": 4000,
        "rows_per_second": 200, "seconds_left": 3.0,
    }  # fmt: skip
    assert events[-1]["rows_per_second"] is None


def test_what_was_there_before_does_not_count_as_speed(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    pace = progress._Pace.of(Progress("train", 900, 1000))
    now[0] = 2.0
    assert pace.rate(Progress("train", 950, 1000)) == 25
    assert pace.left(Progress("train", 950, 1000)) == 2


def test_a_pipe_is_quiet_and_json_is_told_on_standard_error(tmp_path):
    command = [*MARKOVLIB, "generate", "paper/no-op", "--examples", "1000", "--out", str(tmp_path / "a")]
    quiet = subprocess.run(command, capture_output=True, text=True, check=True)
    assert quiet.stdout == ""
    assert all(line.startswith(("train: 1,000 rows", str(tmp_path))) for line in quiet.stderr.splitlines())
    told = subprocess.run([*command[:-1], str(tmp_path / "b"), "--json"], capture_output=True, text=True, check=True)
    (event,) = map(json.loads, told.stderr.splitlines())
    (split,) = json.loads(told.stdout)["splits"]
    assert (event["rows"], event["total"], event["bytes"]) == (1000, 1000, split["bytes"])
