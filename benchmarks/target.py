"""How many targets are read a second, looked up and anew: python benchmarks/target.py"""

import csv
import sys
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from xlgoals.measures import Units  # noqa: E402
from xlgoals.target import read_target, read_uncached  # noqa: E402


def column(name: str, key: str) -> list[str]:
    with (ROOT / "tests" / "targets" / name).open(encoding="utf-8", newline="") as file:
        return [row[key] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]


def main() -> None:
    table = yaml.load((ROOT / "mappings" / "units.yaml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    units = Units.from_table(table["units"])
    seeds = column("seeds.tsv", "target")
    named = list(zip(seeds, column("seeds.tsv", "name"), strict=True))
    forms = column("forms-of-writing.tsv", "text")
    for text in seeds:
        read_target(text, units=units)
    repeat = 500
    start = time.perf_counter()
    for _ in range(repeat):
        for text in seeds:
            read_target(text, units=units)
    print(f"looked up, text only:       {repeat * len(seeds) / (time.perf_counter() - start):>12,.0f} values/s")
    for text, name in named:
        read_target(text, name=name, units=units)
    start = time.perf_counter()
    for _ in range(repeat):
        for text, name in named:
            read_target(text, name=name, units=units)
    print(f"looked up, text and name:   {repeat * len(named) / (time.perf_counter() - start):>12,.0f} values/s")
    for label, texts in (("seeds", seeds), ("forms of writing", forms)):
        repeat = 20
        start = time.perf_counter()
        for _ in range(repeat):
            for text in texts:
                read_uncached(text, "", "", "", "", units)
        print(f"read anew, {label + ':':<17}{repeat * len(texts) / (time.perf_counter() - start):>12,.0f} values/s")


if __name__ == "__main__":
    main()
