"""Every workload under pytest-benchmark, one group a workload, the answer checked before it is timed: `make bench`."""

from functools import lru_cache

import pytest
from contenders import ENGINES, Unable
from generators import DATA_WORKLOADS, check
from workloads import WORKLOADS

pytestmark = pytest.mark.benchmark(min_rounds=2, max_time=0.2, disable_gc=False)


make_case = lru_cache(maxsize=1)(lambda workload: workload.make(workload.size))


@pytest.mark.parametrize("engine", ENGINES, ids=lambda e: e.name)
@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda w: w.name)
def test_rewriting(benchmark, engine, workload):
    case = make_case(workload)
    try:
        run, read = engine.prepare(workload.kind, case)
    except Unable as reason:
        pytest.skip(f"{engine.name}: {reason}")
    assert read(run()) == case.expected
    benchmark.group = f"{workload.name}: {case.units} {workload.unit}s"
    benchmark(run)


@pytest.mark.parametrize("generator", DATA_WORKLOADS[0].generators, ids=lambda g: g.name)
def test_data_in_memory(benchmark, generator, tmp_path):
    workload = DATA_WORKLOADS[0]
    check(generator.rows(generator.run(workload.size, tmp_path)), workload.size)
    benchmark.group = f"{workload.name}: {workload.size} examples"
    benchmark(generator.run, workload.size, tmp_path)
