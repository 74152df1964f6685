"""The downstream project in benchmarks/reproduction: what it promises of its grids, intervals, words and page.

Model and training are tested where torch is; all else needs none.
"""

from __future__ import annotations

import doctest
import importlib
import json
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from effort import slow_but
from reproduction import __main__ as command
from reproduction import cost, figures, findings, page, records
from reproduction.experiments import EXPERIMENTS, FAMILIES, SCALES, points
from reproduction.findings import ABSENT, AGREES, DISAGREES, OPEN, UNTRAINED
from reproduction.intervals import Estimate, estimate
from reproduction.points import DATA_SEED, Point
from reproduction.records import Results

import markovlib as mk

ROOT = Path(__file__).resolve().parents[1]
TORCH = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
COMMITTED = [r for scale in page.SCALES for name in EXPERIMENTS for r in records.read(records.COMMITTED, scale, name)]


def tiny(name: str = "count", **axes: Any) -> Point:
    return next(point for point in EXPERIMENTS[name].points("tiny") if axes.items() <= point.axes.items())


# ---- grids -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_point_has_its_own_name_and_the_tests_of_its_experiment(name: str, scale: str) -> None:
    found = EXPERIMENTS[name].points(scale)
    assert len({point.name for point in found}) == len(found)
    arms = {json.dumps(point.axes): point for point in found}
    arms = dict(list(arms.items())[:: 1 + len(arms) // 24])
    assert len({point.identity for point in arms.values()}) == len(arms)
    assert len({point.test_recipe.fingerprint for point in arms.values()}) == 1
    assert all("unseen" in point.tests and point.tests["seen"] == point.recipe for point in arms.values())


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_arm_has_enough_seeds(name: str) -> None:
    for scale in ("miniature", "paper"):
        seeds: dict[str, set[int]] = {}
        for point in EXPERIMENTS[name].points(scale):
            seeds.setdefault(json.dumps(point.axes), set()).add(point.seed)
        assert {len(found) for found in seeds.values()} == {5 if name == "occurrences" else 3}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_split_of_the_miniature_can_be_made_and_shares_no_side_with_training(name: str) -> None:
    arms = {json.dumps(point.axes): point for point in EXPERIMENTS[name].points("miniature")}
    for point in list(arms.values())[:: max(1, len(arms) // 4)]:
        train = mk.Dataset(point.recipe, DATA_SEED).batch(range(20_000), ["pattern", "replacement"])
        known = set(train.pattern.tolist()), set(train.replacement.tolist())
        for split, recipe in point.tests.items():
            test = mk.Dataset(recipe, DATA_SEED, split)
            made = test.batch(range(len(test)), ["pattern", "replacement"])
            if split != "seen":
                assert not known[0] & set(made.pattern.tolist()), (point.name, split)
                assert not known[1] & set(made.replacement.tolist()), (point.name, split)


def test_the_second_arm_of_no_ops_has_as_many_applying_rows() -> None:
    found = set()
    for point in EXPERIMENTS["no-op"].points("miniature"):
        if point.axes["fixed"] == "applied" and point.seed == 0:
            ds = mk.Dataset(point.recipe, DATA_SEED)
            found.add(len(ds) - int(ds.batch(range(len(ds)), ["no_op"]).no_op.sum()))
    rows = next(p for p in EXPERIMENTS["no-op"].points("miniature") if p.axes["no_op"] == 0.3)
    found.add(round(len(mk.Dataset(rows.recipe, DATA_SEED)) * 0.7))
    assert max(found) - min(found) <= 1


def test_arms_of_families_have_as_many_rows_rules_and_patterns() -> None:
    found = {}
    for point in EXPERIMENTS["families"].points("miniature"):
        ds = mk.Dataset(point.recipe, DATA_SEED)
        batch = ds.batch(range(4 * point.axes["instructions"]), ["pattern", "instruction", "stratum"])
        found[point.axes["family"]] = len(ds), len(set(batch.pattern.tolist())), len(set(batch.instruction.tolist()))
        own = {ds.strata[s].family for s in batch.stratum.tolist()}
        assert own == ({*FAMILIES} if point.axes["family"] == "mix" else {point.axes["family"]})
    assert set(found) == {*FAMILIES, "mix"}
    assert len(set(found.values())) == 1
    assert len(set(next(iter(found.values()))[1:])) == 1


# ---- intervals and words ---------------------------------------------------------------------------------------------


def test_intervals_have_the_chance_of_the_test_and_that_of_training() -> None:
    alike = estimate([(300, 400)] * 5)
    expected = 1.96 * np.sqrt(0.75 * 0.25 / 2000)
    assert alike.share == 0.75
    assert alike.high - alike.share == pytest.approx(expected, rel=0.1)
    apart = estimate([(1000, 10_000), (5000, 10_000), (9000, 10_000)])
    assert 0.1 <= apart.low < 0.25
    assert 0.75 < apart.high <= 0.91
    assert estimate([(0, 50)] * 3)[:3] == (0, 0, 0)
    assert estimate([(7, 10), (3, 10)]) == estimate([(7, 10), (3, 10)])


MODULES = ["cost", "experiments", "findings", "intervals", "points"]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name: str) -> None:
    found = doctest.testmod(importlib.import_module(f"reproduction.{name}"))
    assert found.failed == 0


def made_up(name: str, scale: str, share: Any, seen: float = 1.0) -> Results:
    """Records of an experiment's grid in which `share(axes, split, kind)` of 1,000 answers are right."""
    found = []
    for point in EXPERIMENTS[name].points(scale):
        kinds = ["applying"] if name == "occurrences" else ["applying", "no_op", "near_miss"]
        tests = {
            split: {kind: [round(1000 * (seen if split == "seen" else share(point.axes, split, kind))), 1000]
                    for kind in kinds}
            for split in point.tests
        }  # fmt: skip
        found.append({"axes": point.axes, "seed": point.seed, "tests": tests})
    return Results(found)


def verdicts(name: str, results: Results, counted: Results | None = None) -> set[str]:
    return {finding.verdict for finding in findings.FINDINGS[name](results, counted or Results([]))}


def like_the_papers(name: str, axes: Any, split: str, kind: str) -> float:
    """An accuracy on unseen rules as the papers' figure has it, or a little clearer."""
    many = axes["instructions"] > 400
    if name == "long-tail":
        return 0.99 if axes["instructions"] >= 10_000 or axes["shape"] > 0.4 else 0.1
    if name == "families":
        return 0.95 if axes["family"] in ("mix", split) else 0.1
    if name == "occurrences":
        return 0.95 if axes["occurrences"] == "mix" else 0.5
    if name == "encrypted":
        if kind != "applying":
            return 0.95
        return (0.95 if many else 0.1) - (0.05 if axes["shape"] != "uniform" else 0)
    return 0.99 if many else 0.02


@pytest.mark.parametrize("name", slow_but(["no-op", "encrypted"], findings.FINDINGS))
def test_numbers_like_the_papers_agree_and_others_do_not(name: str) -> None:
    source = page.SOURCES[name]

    def share(*where: Any) -> float:
        return like_the_papers(name, *where)

    even = made_up("count", "miniature", share if name == "no-op" else lambda *_: 0.99)
    assert verdicts(name, made_up(source, "miniature", share), even) == {AGREES}
    assert DISAGREES in verdicts(name, made_up(source, "miniature", lambda *where: 1 - share(*where)), even)
    assert verdicts(name, made_up(source, "miniature", share, seen=0.8)) <= {UNTRAINED, ABSENT, OPEN}


def test_a_claim_names_the_shares_of_which_nothing_is_concluded() -> None:
    results, without = (
        made_up(name, "miniature", lambda axes, *_: 0.99 if axes["instructions"] > 400 else 0.02)
        for name in ("no-op", "count")
    )
    for record in results.records:
        if record["axes"]["no_op"] == 0.1 and record["axes"]["instructions"] == 1000:
            record["tests"]["seen"]["applying"] = [800, 1000]
    said = {finding.claim: finding.verdict for finding in findings.no_op(results, without)}
    hollow = {claim for claim in said if claim.endswith("; nothing is concluded for 10%")}
    assert hollow == {claim for claim in said if claim.startswith("1,000 rules") and "(as many rows)" in claim}
    assert set(said.values()) == {AGREES}


def test_arms_are_in_the_order_of_their_values() -> None:
    numbers = [10, 1000, 10000, 300]
    results = Results([{"axes": {"instructions": n, "shape": s}, "seed": 0} for s in (0.5, 0.1) for n in numbers])
    arms = [(arm["instructions"], arm["shape"]) for arm in results.arms("seed")]
    assert arms == [(n, s) for n in sorted(numbers) for s in (0.1, 0.5)]


def test_words_for_what_cannot_be_told() -> None:
    wide, low = Estimate(0.5, 0.2, 0.9, (0.2, 0.4, 0.9)), Estimate(0.1, 0.05, 0.3, (0.1,) * 3)
    assert findings.above(wide, low) == OPEN
    assert findings.above(wide._replace(trained=False), low) == UNTRAINED
    assert findings.above(None, low) == ABSENT
    assert findings.above(wide, low._replace(seeds=(0.1, 0.1))) == ABSENT
    assert "(1 seed)" in findings.shown(low._replace(seeds=(0.1,)))
    assert findings.all_of([AGREES, OPEN]) == OPEN
    assert findings.all_of([AGREES, ABSENT]) == AGREES
    assert findings.all_of([AGREES, DISAGREES, OPEN]) == DISAGREES
    assert findings.all_of([ABSENT, UNTRAINED]) == UNTRAINED
    assert str(UNTRAINED) in findings.shown(wide._replace(trained=False))


# ---- the page --------------------------------------------------------------------------------------------------------


def test_the_page_is_made_from_the_records() -> None:
    text = page.PAGE.read_text("utf-8")
    assert page.splice(text, page.generated(records.COMMITTED)) == text, "run: python -m reproduction --page"


def test_the_figures_are_of_the_records() -> None:
    for scale in page.SCALES:
        for name in page.ORDER:
            results, _, _ = page.verdicts(name, records.COMMITTED, scale)
            path = page.PAGE.parent / page.figure_of(scale, name)
            assert path.exists() == bool(results), path
            if results:
                assert results.digest in path.read_text("utf-8"), "run: python -m reproduction --page"


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="reproduction:begin"):
        page.splice("no markers", "text")


@pytest.mark.slow
def test_records_are_of_the_points_that_are_described() -> None:
    known = {(p.experiment, p.scale, p.name): p for s in page.SCALES for p in points(list(EXPERIMENTS), s)}
    for record in COMMITTED:
        point = known[record["experiment"], record["scale"], records.name_of(record)]
        assert record["identity"] == point.identity, point.name
        assert not any(side for shared in record["shared"].values() for side in shared), point.name
        tests = {split: mk.Dataset(recipe, DATA_SEED, split) for split, recipe in point.tests.items()}
        assert record["fingerprints"] == {"train": record["fingerprints"]["train"]} | {
            split: ds.fingerprint[:16] for split, ds in tests.items()
        }
        assert {split: sum(rows for _, rows in kinds.values()) for split, kinds in record["tests"].items()} == {
            split: len(ds) for split, ds in tests.items()
        }


def test_a_page_says_what_was_not_run_and_what_is_under_trained(tmp_path: Path) -> None:
    if not COMMITTED:
        pytest.skip("no records yet")
    record = COMMITTED[0]
    record = record | {"tests": record["tests"] | {"seen": {"applying": [5, 10]}}}
    records.write(record, tmp_path / record["scale"] / record["experiment"] / f"{records.name_of(record)}.json")
    made = page.generated(tmp_path)
    assert "## Not run at the scale" in made
    assert UNTRAINED in made


@pytest.mark.parametrize("name", slow_but(["no-op", "encrypted"], findings.FINDINGS))
def test_every_figure_can_be_drawn_and_is_of_its_records(name: str, tmp_path: Path) -> None:
    results, counted = made_up(page.SOURCES[name], "tiny", lambda *_: 0.5), made_up("count", "tiny", lambda *_: 0.5)
    for record in (*results.records, *counted.records):
        record["diversity"] = {"effective": [3, 2, 1], "outside_top": 0.5}
    for file in ("one.svg", "two.svg")[: 2 if name == "count" else 1]:
        figures.draw(name, results, counted, tmp_path / file)
    assert results.digest in (tmp_path / "one.svg").read_text("utf-8")
    if name == "count":
        assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


# ---- the command -----------------------------------------------------------------------------------------------------


def test_the_command_says_what_it_would_run_without_torch(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "find_spec", lambda _: None)
    assert command.main(["--dry-run", "--experiment", "long-tail", "--scale", "paper", "--seeds", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "instructions=1000,shape=2.0,seed=0" in lines[0]
    assert "operations" in lines[0]
    assert lines[-1].startswith(f"{3 * 7} runs")
    assert command.main(["--dry-run", "--arm", "instructions=300", "--arm", "seed=1"]) == 0
    assert capsys.readouterr().out.startswith("count instructions=300,seed=1: 1,600 steps")
    assert command.main([]) == 1
    assert "[reproduction]" in capsys.readouterr().err


def test_the_command_refuses_what_makes_no_sense(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in (["--processes", "0"], ["--experiment", "colour"], ["--scale", "huge"], ["--arm", "colour=red"]):
        with pytest.raises(SystemExit):
            command.main(wrong)
        assert "error:" in capsys.readouterr().err


def test_operations_of_a_step_are_those_of_the_matrices() -> None:
    point = EXPERIMENTS["count"].points("paper")[0]
    tokens = cost.tokens_of(point)
    assert tokens == 20 + 1 + 20 + 1 + 50 + 1 + 50 + 1
    weights = 6 * 12 * 256**2
    assert cost.operations_a_step(point, tokens) == pytest.approx(256 * tokens * 6 * weights, rel=0.05)
    assert cost.steps_of(point) == 50 * (1_000_000 // 256)


def test_importing_all_but_model_and_training_brings_no_torch() -> None:
    names = sorted(path.stem for path in (ROOT / "benchmarks" / "reproduction").glob("*.py"))
    rest = [f"reproduction.{name}" for name in names if name not in ("model", "train", "__init__")]
    program = f"import sys, {', '.join(rest)}; sys.exit('torch' in sys.modules)"
    path = os.pathsep.join([str(ROOT / "benchmarks"), *sys.path])
    assert subprocess.run([sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": path}).returncode == 0


# ---- training --------------------------------------------------------------------------------------------------------


def trained(point: Point, checkpoint: Path, shards: Path | None = None, after_step: Any = lambda _: None) -> Any:
    import torch
    from reproduction import train

    if shards:
        train.export(point, shards)
    run = train.Run(point, train.sources_of(point, shards), torch.device("cpu"))
    run.train(checkpoint, after_step)
    return run


@TORCH
def test_both_ways_to_the_data_give_the_same_batches_and_tests(tmp_path: Path) -> None:
    import torch
    from reproduction import train

    point = tiny("count", instructions=64)
    train.export(point, tmp_path)
    runs = [train.Run(point, train.sources_of(point, at), torch.device("cpu")) for at in (None, tmp_path)]
    assert type(runs[0].loader.source) is not type(runs[1].loader.source)
    for one, other in zip(*(run.loader for run in runs), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    for split, test in runs[0].tests.items():
        assert torch.equal(test.ids, runs[1].tests[split].ids)
        assert np.array_equal(test.kinds, runs[1].tests[split].kinds)


@TORCH
def test_a_single_pass_tells_what_greedy_decoding_answers() -> None:
    import torch
    from reproduction import train
    from reproduction.model import GPT, Shape

    torch.manual_seed(0)
    model = GPT(Shape(3, 12, 2, 16, 2)).eval()
    prompts = torch.randint(3, (200, 5))
    answers = model.greedy(prompts, 4)
    answers[::2, 2] = (answers[::2, 2] + 1) % 3  # every other answer is not the model's own
    ids, mask = torch.cat([prompts, answers], 1), torch.tensor([[0] * 5 + [1] * 4] * 200)
    expected = torch.tensor([False, True] * 100)
    assert torch.equal(train.exact(model, ids, mask), expected)
    decoded = [model.greedy(prompt[None], 4) for prompt in prompts]
    assert torch.equal((torch.cat(decoded) == answers).all(1), expected)
    assert torch.allclose(model(ids)[:, 4:], model(ids, 4), atol=1e-5)
    later = ids.clone()
    later[:, 7:] = 0
    assert torch.equal(model(ids)[:, :7], model(later)[:, :7])  # no place sees what comes after it


@TORCH
@pytest.mark.parametrize("first", [0, 4, 8])
def test_attention_is_what_pytorch_makes_it(first: int) -> None:
    import torch
    from reproduction.model import attend

    query, key, value = torch.randn(3, 2, 5, 9, 16, generator=torch.Generator().manual_seed(1))
    seen = torch.ones(9 - first, 9, dtype=torch.bool).tril(first)
    expected = torch.nn.functional.scaled_dot_product_attention(query[:, :, first:], key, value, attn_mask=seen)
    assert torch.allclose(attend(query[:, :, first:], key, value, first), expected, atol=1e-6)


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = {paths!r}
from test_reproduction import tiny, trained
trained(tiny("count", instructions=64).longer(3), Path({checkpoint!r}),
        after_step=lambda step: os.kill(os.getpid(), signal.SIGKILL) if step == 9 else None)
"""


@TORCH
@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_with_the_same_numbers(tmp_path: Path) -> None:
    point = tiny("count", instructions=64).longer(3)
    whole = trained(point, tmp_path / "whole.pt")
    paths = [str(ROOT / "tests"), str(ROOT / "benchmarks"), *sys.path]
    program = KILLED.format(paths=paths, checkpoint=str(tmp_path / "killed.pt"))
    assert subprocess.run([sys.executable, "-c", program]).returncode == -signal.SIGKILL
    began = []
    killed = trained(point, tmp_path / "killed.pt", after_step=began.append)
    assert (began[0], whole.steps) == (7, 12)
    assert killed.curve == whole.curve
    assert killed.results() == whole.results()
    parameters = zip(killed.model.parameters(), whole.model.parameters(), strict=True)
    assert all(bool((a == b).all()) for a, b in parameters)


@TORCH
def test_a_checkpoint_of_another_point_is_not_taken_up(tmp_path: Path) -> None:
    trained(tiny("count", instructions=4), tmp_path / "x.pt")
    began: list[int] = []
    trained(tiny("count", instructions=64), tmp_path / "x.pt", after_step=began.append)
    assert began[0] == 1


@TORCH
@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in EXPERIMENTS if name != "families"])
def test_experiments_from_the_command_to_the_figure(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--experiment", name, "--scale", "tiny", "--out", str(tmp_path), "--processes", "1", "--data", "shards"]
    assert command.main(asked) == 0
    said = capsys.readouterr().out
    assert UNTRAINED in said
    assert (tmp_path / f"tiny-{name}.svg").exists()
    found = records.read(tmp_path / "records", "tiny", name)
    assert len(found) == len(EXPERIMENTS[name].points("tiny"))
    for record in found:
        assert record["attempts"][0]["epochs"] * 3 == record["training"]["epochs"]
        assert record["steps"] > 0
        assert record["seconds"]["wall"] > 0
        assert len(json.dumps(record)) < 8000
    assert command.main(asked) == 0
    assert "0 to do" in capsys.readouterr().out


@TORCH
@pytest.mark.slow
def test_the_papers_model_and_lengths_are_timed(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--dry-run", "--scale", "paper", "--seeds", "1", "--device", "cpu"]) == 0
    assert "instructions=1000000,seed=0: 195,300 steps" in capsys.readouterr().out
