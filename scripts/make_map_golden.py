"""Writes kernels-tests/golden/average_precision.json: made-up sets of boxes with what pycocotools measures on them.

    pip install pycocotools numpy
    python scripts/make_map_golden.py kernels-tests/golden/average_precision.json

Boxes are [class, left, top, right, bottom]; found ones have their score after the class.
"""

import contextlib
import io
import json
import random
import sys

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def box(rng, size):
    """A box inside a picture of `size` pixels a side."""
    width, height = (rng.uniform(4, size / 2) for _ in range(2))
    left, top = rng.uniform(0, size - width), rng.uniform(0, size - height)
    return [left, top, left + width, top + height]


def moved(rng, sides, by):
    """A box that is off by about the share `by` of its size."""
    width, height = sides[2] - sides[0], sides[3] - sides[1]
    return [side + rng.gauss(0, by) * (width, height)[at % 2] for at, side in enumerate(sides)]


def picture(rng, classes, labelled, invented, steps):
    """The boxes of one picture, and what a detector of middling quality finds; scores have `steps` values."""
    score = lambda low, high: round(rng.uniform(low, high) * steps) / steps
    truth = [[rng.choice(classes["labelled"]), *box(rng, 320)] for _ in range(labelled)]
    found = []
    for label, *sides in truth:
        for _ in range(rng.choice([0, 1, 1, 1, 2])):
            guess = label if rng.random() < 0.85 else rng.choice(classes["found"])
            found.append([guess, score(0.2, 1.0), *moved(rng, sides, rng.choice([0.02, 0.05, 0.1, 0.2]))])
    for _ in range(invented):
        found.append([rng.choice(classes["found"]), score(0.0, 0.7), *box(rng, 320)])
    rng.shuffle(found)
    tidy = lambda boxes: [[round(number, 3) for number in one] for one in boxes]
    return {"truth": tidy(truth), "found": tidy(found)}


def measure(pictures, classes):
    """COCO's mean average precision at 0.5:0.95 and at 0.5."""
    wide = lambda sides: [sides[0], sides[1], sides[2] - sides[0], sides[3] - sides[1]]
    truth, found = [], []
    for number, shown in enumerate(pictures, 1):
        for label, *sides in shown["truth"]:
            area = (sides[2] - sides[0]) * (sides[3] - sides[1])
            truth.append({"id": len(truth) + 1, "image_id": number, "category_id": int(label) + 1,
                          "bbox": wide(sides), "area": area, "iscrowd": 0})
        for label, score, *sides in shown["found"]:
            found.append({"image_id": number, "category_id": int(label) + 1, "bbox": wide(sides), "score": score})
    coco = COCO()
    coco.dataset = {
        "images": [{"id": number} for number in range(1, len(pictures) + 1)],
        "annotations": truth,
        "categories": [{"id": label + 1} for label in range(classes)],
    }
    coco.createIndex()
    run = COCOeval(coco, coco.loadRes(found), "bbox")
    run.evaluate()
    run.accumulate()
    run.summarize()
    return {"map": run.stats[0], "map50": run.stats[1]}


def main(path):
    rng = random.Random(1)
    some = {"labelled": [0, 1, 2, 4], "found": [0, 1, 2, 3]}
    one = {"labelled": [0], "found": [0]}
    plain = [picture(rng, some, rng.randrange(8), rng.randrange(6), 1e6) for _ in range(40)]
    sets = {
        "five classes, one never found, one never labelled": (5, plain),
        "scores with many ties": (5, [picture(rng, some, rng.randrange(8), rng.randrange(6), 8) for _ in range(25)]),
        "one class": (1, [picture(rng, one, rng.randrange(5), 2, 1e6) for _ in range(20)]),
        "more than a hundred boxes in a picture": (1, [picture(rng, one, 90, 80, 1e6) for _ in range(3)]),
        "pictures without boxes": (5, [picture(rng, some, at % 2 * 3, 3, 1e6) for at in range(12)]),
    }
    written = []
    for name, (classes, pictures) in sets.items():
        with contextlib.redirect_stdout(io.StringIO()):
            expected = measure(pictures, classes)
        print(name, expected)
        written.append({"name": name, "classes": classes, "expected": expected, "pictures": pictures})
    with open(path, "w", encoding="utf-8") as file:
        json.dump(written, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
