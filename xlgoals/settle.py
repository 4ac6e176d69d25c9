"""A return that came in several files: counted once when they agree, and not at all when they do not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import polars as pl

from xlgoals.findings import Catalogue, Finding
from xlgoals.records import At
from xlgoals.sources import natural
from xlgoals.tables import BATCH, Tables, with_findings

_CONTENT = ("values", "funds", "goals", "indicators", "details")
Content = dict[tuple[str, ...], tuple[object, ...]]


def settled(tables: Tables, changed: Mapping[str, float], catalogue: Catalogue) -> Tables:
    """Count a return that came in several files once if they agree, and not at all if they do not; leave out the findings of
    rules that a bureau has switched off."""
    if catalogue.off:
        tables = replace(tables, findings=tables.findings.filter(~pl.col("code").is_in(list(catalogue.off))))
    known = pl.col("project_code") != ""  # a name is only unique within its unit
    named = (pl.col("project_name") != "") & (pl.col("unit") != "")
    returns = tables.returns.filter(known | named)
    several = returns.group_by("identity").agg(pl.col("file").n_unique().alias("files")).filter(pl.col("files") > 1)
    if several.is_empty():
        return tables
    groups: dict[str, list[dict[str, str]]] = {}
    for row in returns.filter(pl.col("identity").is_in(several["identity"].to_list())).sort("identity", "rid").iter_rows(named=True):
        groups.setdefault(row["identity"], []).append(row)
    contents = _contents(tables, [row["rid"] for group in groups.values() for row in group])
    dropped: list[str] = []
    findings: list[Finding] = []
    for identity, same in groups.items():
        same.sort(key=lambda row: (changed.get(row["file"], 0.0), natural(row["file"])), reverse=True)
        places = [At(row["file"], row["sheet"]) for row in same]
        differing = [key for row in same[1:] for key in _differences(contents[same[0]["rid"]], contents[row["rid"]])]
        subject = same[0]["project_name"] or same[0]["project_code"]
        files = "、".join(dict.fromkeys(place.file for place in places[1:]))
        if differing:
            dropped += [row["rid"] for row in same]
            detail = "、".join(_labels(differing, tables, same)[:3])
            findings.append(
                catalogue.finding(
                    "folder.conflicting_returns", places[0], field=subject, found=files, detail=detail, identity=identity, others=places[1:]
                )
            )
        else:
            dropped += [row["rid"] for row in same[1:]]
            findings.append(
                catalogue.finding("folder.same_return", places[0], field=subject, found=files, identity=identity, others=places[1:])
            )
    kept = {name: frame.filter(~pl.col("rid").is_in(dropped)) for name, frame in tables.items() if name not in BATCH}
    return with_findings(replace(tables, **kept), catalogue.heeded(findings))


def _contents(tables: Tables, rids: Sequence[str]) -> dict[str, Content]:
    """All that each return says, by table and key; where it stands does not matter."""
    found: dict[str, Content] = {rid: {} for rid in rids}
    for name in _CONTENT:
        frame: pl.DataFrame = getattr(tables, name)
        for row in frame.filter(pl.col("rid").is_in(rids)).iter_rows(named=True):
            content, spot = found[row.pop("rid")], (name, row.pop("key"))
            row.pop("order", None)
            content[spot] = (*content.get(spot, ()), *row.values())
    return found


def _differences(one: Content, other: Content) -> list[str]:
    """The keys of what two returns say differently."""
    return [] if one == other else [key for name, key in {**one, **other} if one.get((name, key)) != other.get((name, key))]


def _labels(keys: Iterable[str], tables: Tables, same: Sequence[Mapping[str, str]]) -> list[str]:
    """What the form calls the fields of these keys, each once."""
    frame = tables.places.filter(pl.col("rid").is_in([row["rid"] for row in same]))
    labels = dict(zip(frame["key"], frame["label"], strict=True))
    return list(dict.fromkeys(labels.get(key) or labels.get(f"{key}.target") or key for key in keys))
