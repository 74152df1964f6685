"""Every workload at its small sizes, each answer checked before it is timed: `make bench`.

Prints each workload's tables as it is done, and at the end those that need several; stores the record.
"""

import pages
import pytest
from adversaries import ADVERSARIES
from generators import DATA_WORKLOADS
from measure import QUICK, measure_data, measure_reading, measure_threads
from reading import READING_WORKLOADS
from report import ROOT, empty_record, measured, store
from touched import count_letters
from workloads import WORKLOADS


@pytest.fixture(scope="module")
def record():
    made = empty_record("make bench")
    yield made
    store(made, ROOT / ".benchmarks" / "quick.json")


@pytest.fixture
def show(capsys):
    def show(part):
        with capsys.disabled():
            print("\n\n" + "\n\n".join(pages.sections({**empty_record("make bench"), **part})), flush=True)

    return show


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda w: w.name)
def test_rewriting(record, show, workload):
    record["rewriting"].append(measured(workload, QUICK))
    show({"rewriting": record["rewriting"][-1:]})


def test_threads(record, show):
    record["threads"] = measure_threads(QUICK)
    show({"threads": record["threads"]})


@pytest.mark.parametrize("adversary", ADVERSARIES)
def test_adversary(record, show, adversary):
    record["adversaries"].append(count_letters(adversary))
    show({"adversaries": record["adversaries"][-1:]})


@pytest.mark.parametrize("workload", DATA_WORKLOADS, ids=lambda w: w.name)
def test_data(record, show, workload):
    record["data"].append(measure_data(workload, workload.size // 10, QUICK))
    show({"data": record["data"][-1:]})


@pytest.mark.parametrize("workload", READING_WORKLOADS, ids=lambda w: w.name)
def test_reading(record, show, workload, tmp_path):
    record["reading"].append(measure_reading(workload, workload.size // 10, QUICK, tmp_path))
    show({"reading": record["reading"][-1:]})


def test_all_tables(record, show):
    show(record)
