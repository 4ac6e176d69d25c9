"""Load the spec files, join each template with its dialect and cross-check them into `Form`s.

`templates/<form>.yaml` says where things stand and how they look, `mappings/<form>.yaml` what they mean; the layout key is
the only join between them. Mistakes are collected over all files and told as `file:line: what, and what to do`.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from xlgoals.codes import CodeList, load_codes
from xlgoals.errors import Mistake, SpecError, UsageError
from xlgoals.forms import COMPUTED, LEVELS, Form, Forms, Meaning
from xlgoals.measures import Units
from xlgoals.models import HOLE, Collection, Dialect, Fields, Guide, Lists, Looks, SelfCheck, Template, To
from xlgoals.rulebook import load_catalogue
from xlgoals.specfile import M, modelled
from xlgoals.speclint import check_grid
from xlgoals.tielint import check_ties
from xlgoals.ties import load_ties
from xlgoals.yamlmark import Marked, load_marked


def data_folder(name: str) -> Path:
    """Find templates/, mappings/ or examples/: beside the package in a checkout or an editable install, inside it in a wheel."""
    package = Path(__file__).parent
    inside = package / "data" / name
    return inside if inside.is_dir() else package.parent / name


@lru_cache(maxsize=4)
def load_forms(extra: tuple[str, ...] = ()) -> Forms:
    """Load all forms shipped, and those of the folders in `extra` (a bureau's own templates and mappings, side by side or in
    subfolders of these names). Raises SpecError with every mistake in every file."""
    mistakes: list[Mistake] = []
    templates, mappings = [data_folder("templates")], [data_folder("mappings")]
    for folder in map(Path, extra):
        if not folder.is_dir():
            raise UsageError(f"表样文件夹 {folder} 不存在，请检查 --forms 的路径。")
        templates.append(folder / "templates" if (folder / "templates").is_dir() else folder)
        mappings.append(folder / "mappings" if (folder / "mappings").is_dir() else folder)

    looks = load_model(Looks, templates, "styles.yaml", mistakes)
    guide = load_model(Guide, templates, "guide.yaml", mistakes)
    selfcheck = load_model(SelfCheck, templates, "selfcheck.yaml", mistakes)
    fields = load_model(Fields, mappings, "fields.yaml", mistakes)
    lists = load_model(Lists, mappings, "lists.yaml", mistakes)
    levels = {word for taxonomy in lists.taxonomies.values() for first, words in taxonomy.items() for word in (first, *words)} if lists else set()
    catalogue = load_catalogue([folder / "rules.yaml" for folder in mappings], mistakes, levels)
    files = _files([*templates, *mappings], mistakes)
    shapes, unshaped = _all(Template, templates, files, "columns", mistakes)
    dialects, unspoken = _all(Dialect, mappings, files, "money_unit", mistakes)
    bound, _ = _all(Collection, templates, files, "sheets", mistakes, "workbook")
    codes = load_codes(mappings, mistakes)
    ties = load_ties(_last(mappings, "ties.yaml"), mistakes)

    forms: dict[str, Form] = {}
    for name, (template, marked) in shapes.items():
        if name not in dialects:
            if name in unspoken:
                continue  # it has one, with mistakes that were told
            mistakes.append(marked.mistake(("form",), f"表样 {name} 没有 mappings/{name}.yaml，请写一个，说明每个 key 是什么"))
        elif looks and fields and lists:
            form = _join(template, marked, *dialects[name], looks, fields, lists, codes, mistakes)
            if form:
                forms[name] = form
    for name, (_, marked) in dialects.items():
        if name not in shapes and name not in unshaped:
            mistakes.append(marked.mistake(("form",), f"没有表样 templates/{name}.yaml，请检查 form 的写法"))
    _check_books(bound, shapes, mistakes)
    if lists:
        _check_moves(lists, load_marked(_last(mappings, "lists.yaml")), mistakes)
    if ties and not mistakes:
        check_ties(ties, load_marked(_last(mappings, "ties.yaml")), forms.values(), mistakes)
    if mistakes or not (looks and guide and selfcheck and fields and lists and catalogue and ties):
        raise SpecError(mistakes, tuple(forms.values()))
    books = {name: book for name, (book, _) in sorted(bound.items())}
    return Forms(
        dict(sorted(forms.items())), catalogue, fields.fields, lists.money_units, load_units(mappings), guide, selfcheck,
        lists.moves, lists.same, books, codes, ties, lists.changes,
    )  # fmt: skip


def load_units(folders: Sequence[Path] = ()) -> Units:
    """The table of units by which targets are read; the last of the folders that has one wins."""
    path = _last(folders or [data_folder("mappings")], "units.yaml")
    return Units.from_table(load_marked(path).data["units"])


def mapping_path(extra: Sequence[str], name: str) -> Path:
    """A file of mappings/ that is no form's: the last of a bureau's folders that has it, or the shipped one."""
    folders = [Path(one) / "mappings" if (Path(one) / "mappings").is_dir() else Path(one) for one in extra]
    return _last([data_folder("mappings"), *folders], name)


def _last(folders: Sequence[Path], name: str) -> Path:
    """A bureau's own file replaces the shipped one."""
    return next((f / name for f in reversed(folders) if (f / name).is_file()), folders[0] / name)


def load_model(model: type[M], folders: Sequence[Path], name: str, mistakes: list[Mistake]) -> M | None:
    """One spec file as its model; None when it has mistakes, which are added to the list."""
    try:
        return modelled(model, load_marked(_last(folders, name)), mistakes)
    except SpecError as error:
        mistakes += error.mistakes
        return None


def _files(folders: Sequence[Path], mistakes: list[Mistake]) -> dict[Path, Marked | None]:
    """Every spec file of the folders, read once; None where it has mistakes. What is wrong with rules.yaml, the catalogue tells."""
    found: dict[Path, Marked | None] = {}
    for path in dict.fromkeys(path for folder in folders for path in sorted(folder.glob("*.yaml")) if path.name != "rules.yaml"):
        try:
            found[path] = load_marked(path)
        except SpecError as error:
            mistakes += error.mistakes
            found[path] = None
    return found


def _all(
    model: type[M], folders: Sequence[Path], files: Mapping[Path, Marked | None], mark: str, mistakes: list[Mistake], name_key: str = "form"
) -> tuple[dict[str, tuple[M, Marked]], set[str]]:
    """Every file that has a `form` and the given key (that is what tells a template from a mapping in one folder); and the
    names of the forms whose file has mistakes."""
    found: dict[str, tuple[M, Marked]] = {}
    failed: set[str] = set()
    for folder in folders:
        for path in [path for path in files if path.parent == folder]:
            marked = files[path]
            if marked is None:
                failed.add(path.stem)
                continue
            if not isinstance(marked.data, dict) or name_key not in marked.data or mark not in marked.data:
                lost = {name_key, mark} - marked.data.keys() if isinstance(marked.data, dict) else {name_key, mark}
                if len(lost) == 1 and (folder.name in ("templates", "mappings") or name_key in lost):
                    mistakes.append(marked.mistake((), f"缺少 {lost.pop()}，请补上"))
                    failed |= {path.stem, str(marked.data.get(name_key, path.stem))}
                continue
            one = modelled(model, marked, mistakes)
            if one is None:
                failed.add(str(marked.data[name_key]))
                continue
            name = str(marked.data[name_key])
            if name in found:
                mistakes.append(marked.mistake((name_key,), f"表样 {name} 已在另一个文件 {found[name][1].file} 中写过，请改名"))
            found[name] = (one, marked)
    return found, failed


def _join(
    template: Template, shape: Marked, dialect: Dialect, words: Marked, looks: Looks, fields: Fields, lists: Lists,
    codes: Mapping[str, CodeList], mistakes: list[Mistake],
) -> Form | None:  # fmt: skip
    before = len(mistakes)
    keys = dict(_keys(template, shape, mistakes))
    for path, box in template.boxes():
        for hole in HOLE.findall(box.text or ""):
            if hole not in keys and hole not in template.stamped and hole not in COMPUTED:
                mistakes.append(shape.mistake((*path, "text"), f"{{{hole}}} 既不是本表的 key，也不在 stamped 里，请改正"))
        if box.style and box.style not in looks.styles | template.styles:
            mistakes.append(shape.mistake((*path, "style"), f"没有样式 {box.style}，可用：{'、'.join(looks.styles | template.styles)}"))
    for key, path in keys.items():
        if key not in dialect.fields:
            mistakes.append(shape.mistake(path, f"key {key} 在 mappings/{template.form}.yaml 的 fields 里没有，请补上它的含义"))
    for key in dialect.fields:
        if key not in keys:
            mistakes.append(words.mistake(("fields", key), f"表样里没有 key {key}，请删去或改正"))
    meanings = {key: _meaning(key, to, ("fields", key), fields, words, mistakes) for key, to in dialect.fields.items()}
    columns: dict[str, dict[str, Meaning | None]] = {}
    grids = {grid.grid: (path, grid) for path, grid in template.grids()}
    for name, (path, grid) in grids.items():
        check_grid(path, grid, shape, mistakes)
        for i, column in enumerate(grid.columns):
            if column.style and column.style not in looks.styles | template.styles:
                told = f"没有样式 {column.style}，可用：{'、'.join(looks.styles | template.styles)}"
                mistakes.append(shape.mistake((*path, "columns", i, "style"), told))
        known = dialect.grids.get(name)
        if known is None:
            mistakes.append(shape.mistake((*path, "grid"), f"grid {name} 在 mappings/{template.form}.yaml 的 grids 里没有，请补上"))
            continue
        columns[name] = {}
        for i, column in enumerate(grid.columns):
            if column.count:
                columns[name][column.id] = Meaning(column.key, "", "word", column.label or column.key, False, "annual", look="word")
                continue
            if column.key not in known:
                mistakes.append(
                    shape.mistake((*path, "columns", i), f"栏 {column.key} 在 mappings/{template.form}.yaml 的 grids.{name} 里没有，请补上")
                )
                continue
            to = known[column.key]
            to = to.model_copy(update={"horizon": column.pane}) if column.pane else to
            columns[name][column.id] = _meaning(column.key, to, ("grids", name, column.key), fields, words, mistakes)
        for key in known:
            if key not in {column.key for column in grid.columns if not column.count}:
                mistakes.append(words.mistake(("grids", name, key), f"grid {name} 没有栏 {key}，请删去或改正"))
    for name in dialect.grids:
        if name not in grids:
            mistakes.append(words.mistake(("grids", name), f"表样里没有 grid {name}，请删去或改正"))
    if dialect.taxonomy and dialect.taxonomy not in lists.taxonomies:
        mistakes.append(words.mistake(("taxonomy",), f"没有分类 {dialect.taxonomy}，可用：{'、'.join(lists.taxonomies)}"))
    if dialect.money_unit not in lists.money_units:
        mistakes.append(words.mistake(("money_unit",), f"不认识货币单位 {dialect.money_unit}，可用：{'、'.join(lists.money_units)}"))
    if len(mistakes) > before:
        return None
    leveled = [key for known in columns.values() for key, meaning in known.items() if meaning and meaning.list in LEVELS]
    if leveled and not dialect.taxonomy:
        mistakes.append(words.mistake((), f"缺少 taxonomy（表样有指标分类栏 {leveled[0]}），可用：{'、'.join(lists.taxonomies)}"))
        return None
    taxonomy = lists.taxonomies.get(dialect.taxonomy, {})
    known_words = {w for level1, level2s in taxonomy.items() for w in (level1, *level2s)}
    for local, word in dialect.words.items():
        if word not in known_words:
            mistakes.append(words.mistake(("words", local), f"{word} 不在分类 {dialect.taxonomy} 里，请改为其中的词"))
    content = json.dumps([template.model_dump(mode="json"), dialect.model_dump(mode="json")], ensure_ascii=False, sort_keys=True)
    form = Form(
        template=template,
        dialect=dialect,
        meanings={key: meaning for key, meaning in meanings.items() if meaning},
        columns={grid: {key: meaning for key, meaning in known.items() if meaning} for grid, known in columns.items()},
        taxonomy=taxonomy,
        looks=looks.model_copy(update={"styles": looks.styles | template.styles}),
        digest=hashlib.sha256(content.encode()).hexdigest()[:12],
        money_factor=lists.money_units[dialect.money_unit],
        aka=lists.aka,
        source=shape,
        codes=codes,
    )
    _check_levels(form, shape, mistakes)
    return form


def _check_moves(lists: Lists, marked: Marked, mistakes: list[Mistake]) -> None:
    """Both sides of a move must be levels that some taxonomy knows."""
    known = {(level1, level2) for taxonomy in lists.taxonomies.values() for level1, words in taxonomy.items() for level2 in ("", *words)}
    for i, move in enumerate(lists.moves):
        for side, words in (("from", (*move.source, "")[:2]), ("to", move.to)):
            if words not in known:
                mistakes.append(marked.mistake(("moves", i, side), f"任何分类里都没有 {'／'.join(filter(None, words))}，请改正"))


def _keys(template: Template, shape: Marked, mistakes: list[Mistake]) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    seen: set[str] = set()
    for path, box in template.boxes():
        for key in [box.key] if box.key else HOLE.findall(box.pattern or ""):
            if key in template.stamped and not box.key:
                continue  # printed with what the stamp says
            if key in seen:
                mistakes.append(shape.mistake(path, f'key {key} 出现了两次，请改名；要重复显示请用 text: "…{{{key}}}…"'))
            seen.add(key)
            yield key, path


def _meaning(key: str, to: To, path: tuple[str, ...], fields: Fields, words: Marked, mistakes: list[Mistake]) -> Meaning | None:
    definition = fields.fields.get(to.to)
    if definition is None:
        near = difflib.get_close_matches(to.to, fields.fields, 1)
        mistakes.append(words.mistake(path, f"fields.yaml 里没有 {to.to}{f'，是不是 {near[0]}？' if near else '，请先在那里写明'}"))
        return None
    required = definition.required if to.required is None else to.required
    return Meaning(
        key, to.to, definition.type, definition.label, required, to.horizon, to.line,
        definition.list, definition.pattern, definition.like, definition.prompt, definition.look or definition.type, definition.many,
    )  # fmt: skip


def _check_books(bound: Mapping[str, tuple[Collection, Marked]], shapes: Mapping[str, object], mistakes: list[Mistake]) -> None:
    """A book's name is no form's, its forms exist, and no two of its sheets have one name."""
    for name, (book, marked) in bound.items():
        if name in shapes:
            mistakes.append(marked.mistake(("workbook",), f"{name} 已经是一个表样的名称，请改名"))
        names: set[str] = set()
        for i, sheet in enumerate(book.sheets):
            if sheet.form not in shapes:
                near = difflib.get_close_matches(sheet.form, shapes, 1)
                mistakes.append(marked.mistake(("sheets", i, "form"), f"没有表样 {sheet.form}{f'，是不是 {near[0]}？' if near else '，请改正'}"))
            if sheet.sheet in names or (book.contents and sheet.sheet == book.contents.sheet):
                mistakes.append(marked.mistake(("sheets", i), f"工作表名称 {sheet.sheet} 用了两次，请改名"))
            names.add(sheet.sheet)


def _check_levels(form: Form, shape: Marked, mistakes: list[Mistake]) -> None:
    """Words printed in a level column must belong to the form's taxonomy, and a second level to its first."""
    for path, grid in form.template.grids():
        lists = {column.key: form.columns[grid.grid][column.id].list for column in grid.columns}
        for i, block in enumerate(grid.blocks):
            levels = {lists.get(key): text for key, text in block.fixed.items()}
            first, second = levels.get("level1"), levels.get("level2")
            if first and form.canonical(first, "level1") not in form.taxonomy:
                mistakes.append(
                    shape.mistake(
                        (*path, "blocks", i), f"{first} 不是分类 {form.dialect.taxonomy} 的一级指标，可用：{'、'.join(form.taxonomy)}"
                    )
                )
            elif first and second and form.canonical(second, "level2") not in form.taxonomy[form.canonical(first, "level1")]:
                allowed = "、".join(form.choices("level2", first))
                mistakes.append(shape.mistake((*path, "blocks", i), f"{second} 不在一级指标 {first} 之下，可用：{allowed}"))
