"""Kinds of rule about several lines: twice in a form, otherwise in another form of the unit, copied from project to project.

Each gathers rows from the whole batch, whatever layouts its forms have, by grouping: no form is compared with all others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from xlgoals.conditions import Across, Condition, Kind, Row
from xlgoals.facts import Units
from xlgoals.findings import Rule
from xlgoals.forms import Form
from xlgoals.gathered import Gathered

PLACES = pl.List(pl.List(pl.String()))
COMMON = 40  # a line that stands in more forms of a department than this tells nothing about who copied from whom
NAMED = 20  # so many other places are named


def _place(part: str = "target") -> pl.Expr:
    return pl.concat_list("rid", pl.col("key") + f".{part}")


def _framed(frame: pl.DataFrame, columns: Mapping[str, pl.DataType]) -> pl.DataFrame:
    return frame.select(pl.col(name).cast(dtype) for name, dtype in columns.items())


def _nothing(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """What a kind that looks across forms demands of a single one."""
    return iter(())


# --- twice in one form

_TWINS: Mapping[str, pl.DataType] = {
    "rid": pl.String(), "key": pl.String(), "name": pl.String(), "target": pl.String(), "first": pl.String(), "earlier": pl.String(),
    "same": pl.Boolean(), "explained": pl.Boolean(),
}  # fmt: skip


def _twins(batch: Gathered, rule: Rule) -> pl.DataFrame:
    """Lines of a form and horizon with the name of an earlier one: whether they say the same, or explain why they do not."""
    within = ["rid", "horizon", "name"]
    lines = batch.lines.filter(pl.len().over(within) > 1)
    first = lines.group_by(within, maintain_order=True).first().select(*within, earlier="key", first="target", said="said", told="description")
    later = lines.filter(pl.int_range(pl.len()).over(within) > 0).join(first, on=within, suffix="_first")
    explained = (pl.col("description") != "") & (pl.col("told") != "") & (pl.col("description") != pl.col("told"))
    return _framed(later.with_columns(same=pl.col("said") == pl.col("said_first"), explained=explained), _TWINS)


def _twin(rule: Rule) -> Condition:
    """Either the same line twice, or (`differing`) one name with two values; explained apart, or not, as the rule says."""
    fails = {"same": pl.col("same"), "differing": ~pl.col("same") & ~pl.col("explained"), "explained": ~pl.col("same") & pl.col("explained")}
    wanted = pl.any_horizontal(fails[word] for word in rule.parameters["which"].split())

    def tell(row: Row) -> Mapping[str, str]:
        return {"found": row["target"], "name": row["name"], "expected": row["first"]}

    return Condition(rule.code, "across", "name", ~wanted, "{key}.name", tell, other="{earlier}.name")


# --- one thing, two demands

_DIFFERS: Mapping[str, pl.DataType] = {
    "rid": pl.String(), "key": pl.String(), "name": pl.String(), "target": pl.String(), "norm": pl.String(), "project": pl.String(),
    "others": PLACES, "scope": pl.String(), "how": pl.String(), "apart": pl.Float64(), "share": pl.Float64(),
}  # fmt: skip
_SIDE = pl.col("op").replace_strict({">=": ">", ">": ">", "<=": "<", "<": "<"}, default="=", return_dtype=pl.String())
_RATE = pl.col("dimension").str.starts_with("money per") | (pl.col("dimension") == "ratio")


def _demands(batch: Gathered, left_out: str) -> pl.DataFrame:
    """Lines whose value is one number with a unit, without those of some second levels: each project has its own public."""
    numbers = batch.lines.filter((pl.col("kind") == "number") & (pl.col("dimension") != "") & ~pl.col("level2").is_in(left_out.split()))
    return numbers.with_columns(side=_SIDE, value=pl.col("amount").cast(pl.Float64), sort=pl.col("dimension"))


def _differs(batch: Gathered, rule: Rule) -> pl.DataFrame:
    lines = _demands(batch, rule.parameters["left_out"])
    return pl.concat([_between_horizons(lines), _between_forms(lines, "owner"), _between_forms(lines, "office")])


def _between_horizons(lines: pl.DataFrame) -> pl.DataFrame:
    """An indicator with another demand for the year than for the mid-term: in another unit, with another sign, or stricter,
    which the mid-term then is not. A number that grows with the years is none of these."""
    same = ["rid", "level2", "name"]
    single = lines.filter(pl.len().over(*same, "horizon") == 1)
    annual, mid = (single.filter(pl.col("horizon") == horizon) for horizon in ("annual", "mid_term"))
    both = annual.join(mid, on=same, suffix="_of")
    apart = pl.col("value") - pl.col("value_of")
    stricter = ((pl.col("side") != "<") & (apart > 0)) | ((pl.col("side") == "<") & (apart < 0) & (pl.col("sort") != "count"))
    how = (
        pl.when(pl.col("sort") != pl.col("sort_of")).then(pl.lit("kind"))
        .when(pl.col("side") != pl.col("side_of")).then(pl.lit("sign"))
        .when((pl.col("base") == pl.col("base_of")) & stricter).then(pl.lit("stricter"))
    )  # fmt: skip
    # told at the line that has no sign, where the other has one; at the mid-term's where the units differ
    blamed_mid = ((how == "sign") & (pl.col("side_of") == "=")) | (how == "kind")
    annual_at, mid_at = _place(), pl.concat_list("rid", pl.col("key_of") + ".target")
    told = both.with_columns(
        how=how, key=pl.when(blamed_mid).then("key_of").otherwise("key"), others=pl.when(blamed_mid).then(annual_at).otherwise(mid_at),
        target=pl.when(blamed_mid).then("target_of").otherwise("target"), norm=pl.when(blamed_mid).then("target").otherwise("target_of"),
        project=pl.when(blamed_mid).then(pl.lit("annual")).otherwise(pl.lit("mid_term")), scope=pl.lit("horizons"), apart=0.0, share=1.0,
    )  # fmt: skip
    return _framed(told.filter(pl.col("how").is_not_null()).with_columns(pl.col("others").implode().over("rid", "key")), _DIFFERS)


def _between_forms(lines: pl.DataFrame, scope: str) -> pl.DataFrame:
    """An indicator with another demand than in most forms of the same unit (owner); of a department's units (office), only a price."""
    same = [scope, "level2", "name"]
    steady = lines.filter(pl.col("value").n_unique().over("rid", "level2", "name", "horizon") == 1)
    if scope == "office":
        steady = steady.filter(pl.col("dimension").str.starts_with("money per") & (pl.col("owner").n_unique().over(same) > 1))
    told = ["sort", "side", "value", "base"]
    steady = steady.filter((pl.col("rid").n_unique().over(same) > 1) & (pl.struct(told).n_unique().over(same) > 1))
    counts = steady.group_by(*same, *told, maintain_order=True).agg(
        pl.len().alias("many"), pl.col("rid", "target", "project_name").first(), pl.col("key").first(), pl.col("order").min()
    )
    norm = counts.sort("many", descending=True, maintain_order=True).group_by(same, maintain_order=True).first()
    norm = norm.join(steady.group_by(same).agg(every=pl.len()), on=same)
    rest = steady.join(norm, on=same, suffix="_of").filter(pl.any_horizontal(pl.col(one) != pl.col(f"{one}_of") for one in told))
    rate = pl.col("sort") == "ratio"
    sides = (pl.col("side") != pl.col("side_of")) & ((pl.col("side") + pl.col("side_of")).is_in(["<>", "><"]) | (rate & ((pl.col("side") == "<") | (pl.col("side_of") == "<"))))
    how = (
        pl.when(pl.col("sort") != pl.col("sort_of")).then(pl.lit("kind"))
        .when((pl.col("sort") != "money") & sides).then(pl.lit("sign"))
        .when(pl.col("sort").str.starts_with("money per") & (pl.col("base") == pl.col("base_of"))).then(pl.lit("price"))
        .when(rate).then(pl.lit("rate"))
    )  # fmt: skip
    low, high = pl.min_horizontal("value", "value_of"), pl.max_horizontal("value", "value_of")
    rest = rest.with_columns(how=how, apart=pl.when(low > 0).then(high / low).otherwise(0.0), share=pl.col("many") / pl.col("every"))
    rest = rest.filter(pl.col("how").is_not_null())
    if rest.is_empty():
        return pl.DataFrame(schema=_DIFFERS)
    grouped = rest.group_by(*same, *told, "file", maintain_order=True).agg(
        pl.col("rid", "key", "target", "how", "apart", "share").first(), norm=pl.col("target_of").first(), project=pl.col("project_name_of").first(),
        others=pl.concat_list(pl.concat_list("rid_of", pl.col("key_of") + ".target").head(1).implode(), _place().slice(1, NAMED).implode()),
    )  # fmt: skip
    return _framed(grouped.with_columns(scope=pl.lit(scope)), _DIFFERS)


def _same_demand(rule: Rule) -> Condition:
    p = rule.parameters
    how, scope = pl.col("how"), pl.col("scope")
    far = pl.col("apart") >= float(p["apart"])
    fails = (scope == "horizons") | ((scope == "owner") & (how.is_in(["kind", "sign", "price"]) | far))
    fails |= (scope == "office") & (how == "price") & (pl.col("share") >= float(p["agree"])) & pl.col("name").str.contains_any(p["standards"].split())

    def tell(row: Row) -> Mapping[str, str]:
        where = p[row["project"]] if row["scope"] == "horizons" else p[row["scope"]].format(project=row["project"][:24])
        return {"found": row["target"], "name": row["name"], "expected": row["norm"], "where": where}

    return Condition(rule.code, "across", "how", ~fails, "{key}.target", tell, others="others")


# --- one word in two spellings

_VARIANTS: Mapping[str, pl.DataType] = {
    "rid": pl.String(), "key": pl.String(), "name": pl.String(), "word": pl.String(), "usual": pl.String(), "others": PLACES,
}  # fmt: skip


def _variants(batch: Gathered, rule: Rule) -> pl.DataFrame:
    """Abbreviations in a line that are one letter away from one that stands elsewhere in the form, in its words or its lines."""
    pattern = rf"[A-Z]{{{int(rule.parameters['length'])},}}"
    lines, blank = batch.tables.indicators, pl.lit("")
    texts = pl.concat([
        batch.tables.values.select("rid", "key", "text", line=blank, place="key"),
        batch.tables.goals.select("rid", "key", "text", line=blank, place="key"),
        *(lines.select("rid", key=pl.col("key") + f".{part}", text=part, line="key", place=pl.col("key") + f".{part}") for part in ("name", "description")),
    ])  # fmt: skip
    texts = texts.filter(pl.col("text").str.contains(pattern)).with_columns(words=pl.col("text").str.extract_all(pattern).list.unique(maintain_order=True))
    told: list[tuple[object, ...]] = []
    for (rid,), own in texts.explode("words").partition_by("rid", as_dict=True, maintain_order=True).items():
        first: dict[str, tuple[str, str]] = {}
        for word, line, place in own.select("words", "line", "place").iter_rows():
            first.setdefault(word, (line, place))
        for key, word, line, text in own.filter(pl.col("key").str.ends_with(".name")).select("key", "words", "line", "text").iter_rows():
            near = [usual for usual, (at, _) in first.items() if at != line and len(usual) == len(word) and sum(a != b for a, b in zip(usual, word, strict=True)) == 1]
            if near and first[word][0] == line:  # spelled so nowhere before
                told.append((rid, key.removesuffix(".name"), text, word, near[0], [[rid, first[near[0]][1]]]))
    return pl.DataFrame(told, schema=_VARIANTS, orient="row")


def _variant(rule: Rule) -> Condition:
    def tell(row: Row) -> Mapping[str, str]:
        return {"found": row["name"], "word": row["word"], "expected": row["usual"]}

    return Condition(rule.code, "across", "word", pl.col("word") == pl.col("usual"), "{key}.name", tell, others="others")


# --- whole sets of lines

_COPIES: Mapping[str, pl.DataType] = {
    "rid": pl.String(), "key": pl.String(), "forms": pl.Int64(), "shared": pl.Int64(), "lines": pl.Int64(), "projects": pl.String(), "others": PLACES,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Sets:
    """The forms of a batch by what their lines say: rid -> index, and of each which first said exactly the same."""

    forms: pl.DataFrame  # rid, key (of the first line), office, owner, file, project, place, lines (how many), twin (rid of the first alike)
    words: pl.DataFrame  # rid (first alike only), office, level2, name, said


def _sets(batch: Gathered) -> _Sets:
    lines = batch.lines
    words = lines.select("rid", "office", "level2", "name", "said").unique(maintain_order=True)
    whole = words.group_by("rid", maintain_order=True).agg(
        pl.concat_str("level2", "name", "said", separator="\x1f").sort().str.join("\x1e").alias("whole"), pl.len().alias("lines")
    )
    head = lines.group_by("rid", maintain_order=True).agg(pl.col("key", "office", "owner", "file", "place").first(), project=pl.col("project_name").first())
    forms = head.join(whole, on="rid", maintain_order="left").with_columns(twin=pl.col("rid").first().over("office", "whole")).drop("whole")
    return _Sets(forms, words.filter(pl.col("rid").is_in(forms["twin"].unique().implode())))


def _copied(batch: Gathered, rule: Rule) -> pl.DataFrame:
    """Forms of a department that share so many lines that one was copied from the other, in groups; told once a file.

    Forms that say exactly the same are one. Of the rest, those are compared that share a line which not everybody has. Units
    that file one project under its one name have copied nothing.
    """
    least, share = int(rule.parameters["shared_lines"]), float(rule.parameters["shared_part"])
    sets = _sets(batch)
    rare = sets.words.filter(pl.len().over("office", "level2", "name", "said").is_between(2, COMMON))
    left = rare.select("rid", "office", "level2", "name", "said")
    pairs = left.join(left, on=["office", "level2", "name", "said"], suffix="_of")
    size = sets.forms.select("rid", "lines", "place")
    alike = pairs.group_by("rid", "rid_of").agg(shared=pl.len()).join(size, on="rid").join(size.rename({"rid": "rid_of"}), on="rid_of", suffix="_of")
    alike = alike.filter(pl.col("place") < pl.col("place_of")).sort("place", "place_of")
    alike = alike.filter((pl.col("shared") >= least) & (pl.col("shared") >= share * pl.max_horizontal("lines", "lines_of")))
    head, common = _joined(alike)
    told: list[tuple[object, ...]] = []
    grouped = sets.forms.filter(pl.col("lines") >= least).with_columns(group=pl.col("twin").replace(head))
    for (group,), forms in grouped.filter(pl.len().over("group") > 1).partition_by("group", as_dict=True, maintain_order=True).items():
        if forms["project"].n_unique() == 1 and forms["owner"].n_unique() > 1:
            continue
        names = "、".join(f"“{name[:20]}”" for name in forms["project"].unique(maintain_order=True).head(6)) + ("等" if forms["project"].n_unique() > 6 else "")
        some = forms.head(NAMED + 1).select("rid", "key").rows()
        for first in forms.unique("file", keep="first", maintain_order=True).iter_rows(named=True):
            others = [[rid, f"{key}.name"] for rid, key in some if rid != first["rid"]]
            told.append((first["rid"], first["key"], forms.height, common.get(str(group), first["lines"]), first["lines"], names, others))
    return pl.DataFrame(told, schema=_COPIES, orient="row")


def _joined(pairs: pl.DataFrame) -> tuple[dict[str, str], dict[str, int]]:
    """Groups from pairs: each form's group, named by its first form; and the fewest lines any pair of a group shares."""
    head: dict[str, str] = {}

    def top(rid: str) -> str:
        while head.get(rid, rid) != rid:
            head[rid] = head[head[rid]]
            rid = head[rid]
        return rid

    rows = pairs.select("rid", "rid_of", "shared").rows()
    for one, other, _ in rows:
        first, second = top(one), top(other)
        head[second] = head.setdefault(first, first)
    groups = {rid: top(rid) for rid in head}
    common: dict[str, int] = {}
    for one, _, shared in rows:
        common[groups[one]] = min(shared, common.get(groups[one], shared))
    return groups, common


def _copy(rule: Rule) -> Condition:
    def tell(row: Row) -> Mapping[str, str]:
        return {"found": str(row["shared"]), "forms": str(row["forms"]), "lines": str(row["lines"]), "projects": row["projects"]}

    return Condition(rule.code, "across", "shared", pl.col("shared") < float(rule.parameters["shared_lines"]), "{key}.name", tell, others="others")


# --- the same project twice

_NAMESAKES: Mapping[str, pl.DataType] = {"rid": pl.String(), "project": pl.String(), "forms": pl.Int64(), "others": PLACES}


def _namesakes(batch: Gathered, rule: Rule) -> pl.DataFrame:
    """Forms of a unit for the same year whose projects bear one name, told once a file; not what reading has asked already."""
    asked = batch.tables.findings.filter(pl.col("code") == rule.parameters["asked"])
    rids = batch.tables.returns.join(asked.select("file", "sheet"), on=["file", "sheet"], how="semi")["rid"]
    name = pl.col("project_name").str.normalize("NFKC").str.replace_all(r"\s", "")
    owner = pl.when(pl.col("unit") == "").then("file").otherwise("unit")
    of = batch.tables.returns.filter(~pl.col("rid").is_in(rids.implode())).with_columns(name=name, owner=owner).filter(pl.col("name") != "")
    several = of.filter(pl.len().over("form", "year", "department", "owner", "name") > 1).join(batch.places, on="rid").sort("place")
    told: list[tuple[object, ...]] = []
    for _, forms in several.partition_by("form", "year", "department", "owner", "name", as_dict=True, maintain_order=True).items():
        some = forms["rid"].head(NAMED + 1).to_list()
        for first in forms.unique("file", keep="first", maintain_order=True).iter_rows(named=True):
            others = [[rid, "project_name"] for rid in some if rid != first["rid"]]
            told.append((first["rid"], first["project_name"], forms.height, others))
    return pl.DataFrame(told, schema=_NAMESAKES, orient="row")


def _namesake(rule: Rule) -> Condition:
    def tell(row: Row) -> Mapping[str, str]:
        return {"found": row["project"], "forms": str(row["forms"])}

    return Condition(rule.code, "across", "forms", pl.col("forms") < 2, "project_name", tell, others="others")


KINDS: Mapping[str, Kind] = {
    "twins": Kind(_nothing, ("which",), across=Across(_TWINS, _twins, _twin, alone=True)),
    "differs": Kind(
        _nothing, ("annual", "mid_term", "owner", "office", "standards", "left_out"), ("apart", "agree"), levels=("left_out",),
        across=Across(_DIFFERS, _differs, _same_demand),
    ),
    "variants": Kind(_nothing, (), ("length",), across=Across(_VARIANTS, _variants, _variant, alone=True)),
    "copied": Kind(_nothing, (), ("shared_lines", "shared_part"), across=Across(_COPIES, _copied, _copy)),
    "namesakes": Kind(_nothing, ("asked",), across=Across(_NAMESAKES, _namesakes, _namesake)),
}  # fmt: skip
