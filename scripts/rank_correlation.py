"""How well the loss rises of tasks without labels rank candidates as those with labels do.

    python scripts/rank_correlation.py out/journal.jsonl

For every task NAME that has a companion "NAME agreement" in the same search: Spearman's rank correlation of both losses
over all candidates that the search scored; of their rises over the losses of the network that the unit was judged on,
which is what a search compares; and the mean over units of the correlation among the candidates of one unit.
"""

import json
import sys


def ranks(values):
    """Ranks from 0, equal values sharing the mean of theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    result = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for at in order[start:end]:
            result[at] = (start + end - 1) / 2
        start = end
    return result


def correlation(a, b):
    """Pearson's; `None` where one of them does not vary."""
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    both = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b))
    squares = sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b)
    return both / squares**0.5 if squares else None


def spearman(a, b):
    return correlation(ranks(a), ranks(b))


def main(path):
    records = [json.loads(line) for line in open(path, encoding="utf-8")]
    names = tasks(records)
    visits = [record for record in records if record.get("record") == "visit"]
    base = next(record["losses"] for record in records if record.get("record") == "base")
    print(f"{sum(len(visit['candidates']) for visit in visits)} candidates of {len(visits)} units")
    for name, at in names.items():
        if f"{name} agreement" in names:
            report(name, visits, base, (at, names[f"{name} agreement"]))


def report(name, visits, base, pair):
    """`pair` is the places of the task and of its companion."""
    now = [mean(base[task]) for task in pair]
    units, losses, rises = [], [[], []], [[], []]
    for visit in visits:
        scored = [[mean(one["losses"][task]) for one in visit["candidates"]] for task in pair]
        for side in (0, 1):
            losses[side] += scored[side]
            rises[side] += [value - now[side] for value in scored[side]]
        if len(scored[0]) >= 4:
            units.append(spearman(*scored))
        for at, one in enumerate(visit["candidates"]):
            if one["keep"] == visit["accepted"]:
                now = [side[at] for side in scored]
    units = [value for value in units if value is not None]
    print(f"{name}: losses {spearman(*losses):.3f}, rises {spearman(*rises):.3f}, "
          f"within units {sum(units) / max(len(units), 1):.3f} ({len(units)} of them)")


def mean(loss):
    return loss["sum"] / loss["count"]


def tasks(records):
    """Places of the tasks in every list of losses, by name."""
    header = next(record for record in records if "tasks" in record)
    quoted = [task.split('name: "', 1)[1].split('"', 1)[0] for task in header["tasks"]]
    return {name: at for at, name in enumerate(quoted)}


if __name__ == "__main__":
    main(sys.argv[1])
