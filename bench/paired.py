"""Statistics of interleaved measurements: paired ratios with their intervals, and the states a machine was in.

A virtual machine's processors may be two hardware threads of one core at one moment and two cores far apart at the next, and both may share their time with
others. What is measured in one state within a short time sees the same machine, so the *ratio* of two such measurements is steady where each of them is not.
Of many such ratios the median is reported, with a percentile bootstrap interval: runs of the program are drawn with replacement, and rounds within each
(Kalibera and Jones, Rigorous benchmarking in reasonable time, ISMM 2013: what varies from one start of a program to the next must be drawn too, or the
interval is too narrow).
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

RESAMPLES = 1000
CONFIDENCE = 0.95
DISTINCT = 1.5  # two states are told apart if their typical values differ by this factor


@dataclass(frozen=True)
class Ratio:
    """Median of paired ratios, its interval, and how many pairs there were."""

    median: float
    low: float
    high: float
    pairs: int


def nearest(mine: Sequence[tuple[int, str | None, float]], theirs: Sequence[tuple[int, str | None, float]]) -> list[tuple[str, float]]:
    """Both are measurements (round, state, value). Each of *mine* in a known state over the one of *theirs* in that state whose round is the nearest: (state,
    ratio)."""
    found = []
    for number, state, value in mine:
        candidates = [(abs(number - other), reference) for other, at, reference in theirs if at == state and reference]
        if state is not None and candidates:
            found.append((state, value / min(candidates)[1]))
    return found


def ratio(runs: Sequence[Sequence[float]]) -> Ratio | None:
    """Of the ratios of each run's rounds; None if there are none."""
    filled = [run for run in runs if run]
    if not filled:
        return None
    draw = random.Random(0)  # the same measurements give the same report
    medians = sorted(
        statistics.median([value for run in draw.choices(filled, k=len(filled)) for value in draw.choices(run, k=len(run))]) for _ in range(RESAMPLES)
    )
    tail = round(RESAMPLES * (1 - CONFIDENCE) / 2)
    return Ratio(statistics.median([value for run in filled for value in run]), medians[tail], medians[-1 - tail], sum(map(len, filled)))


def split(values: Sequence[float]) -> float | None:
    """The value that best parts *values* (positive) into two groups: least squares of the logarithms. None if there are not two groups."""
    logs = sorted(map(math.log, values))
    best, cut = 0.0, 0
    total, left = sum(logs), 0.0
    for count in range(1, len(logs)):
        left += logs[count - 1]
        apart = left / count - (total - left) / (len(logs) - count)
        between = count * (len(logs) - count) * apart**2
        if between > best:
            best, cut = between, count
    if not cut or statistics.median(logs[cut:]) - statistics.median(logs[:cut]) < math.log(DISTINCT):
        return None
    return math.exp((logs[cut - 1] + logs[cut]) / 2)
