"""Read a roster from the lists a bureau keeps, checked as a whole: every mistake in one go, with sheet and cell, or the line of a csv file."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from xlgoals.codes import CodeList
from xlgoals.cycle import SETTINGS, Cycle, look_at_cycle
from xlgoals.errors import Fault, InputError
from xlgoals.findings import Catalogue
from xlgoals.forms import Forms
from xlgoals.lists import CSV_ENDINGS, Line, Listing, code_in, read_lists
from xlgoals.roster import Choice, Project, Roster, RosterWords, SheetWords, Unit, chosen, load_words
from xlgoals.spec import load_forms
from xlgoals.subjects import digits, subject_fault
from xlgoals.words import bare
from xlgoals.yamlmark import load_marked

NO_CODES: Mapping[str, CodeList] = {}
CODED = re.compile(r"[\[(（【]?(\d{3,})[\])）】]?[\s\-—_.、]*(\D.*)")  # a department written with its code before it


def read_roster(paths: Sequence[Path], catalogue: Catalogue, codes: Mapping[str, CodeList] = NO_CODES) -> Roster:
    """The roster of the files given: a workbook with its two sheets, or csv files; raises InputError with every mistake. `codes`: the
    classifications that projects' codes of expenditure are held against."""
    return _Reader(load_words(), catalogue, codes).read(paths)


def load_whole(
    folder: Path, rosters: Sequence[Path] = (), further: Callable[[Cycle, Forms, Roster], Iterable[Fault]] | None = None
) -> tuple[Cycle, Forms, Roster]:
    """A cycle with its forms and its roster (of the files given, else its own); raises InputError with every mistake in any of them,
    and those that `further` finds in what of the roster can be made out."""
    cycle, forms, faults = look_at_cycle(folder)
    settled = not faults
    roster = None
    try:
        paths = rosters or (cycle.rosters if cycle else ())
        if paths:
            usual = forms or load_forms()
            reader = _Reader(load_words(), usual.catalogue, usual.codes)
            roster = reader.read(paths)
    except InputError as error:
        faults += error.faults
        if further and settled and cycle and forms:
            faults += further(cycle, forms, Roster(reader.units))
    if cycle and roster:
        known = {word for unit in roster for word in (unit.department, unit.department_code)}
        for one in cycle.settings.departments:
            if one not in known:
                near = difflib.get_close_matches(one, known, 1)
                place = f"{SETTINGS}:{load_marked(folder / SETTINGS).line(('departments', one))}"
                faults.append(Fault(place, f"名册里没有部门 {one}{f'，是不是 {near[0]}' if near else ''}，请改正。"))
    if faults or not (cycle and forms and roster):
        raise InputError(faults)
    return cycle, forms, roster


def _one_line(text: str) -> str:
    """A name without the line breaks that a narrow cell was given."""
    return re.sub(r"[ \t]*[\r\n]+[ \t]*", "", text)


class _Reader:
    """Collects units, then settles the tree, then hangs the projects on it."""

    def __init__(self, words: RosterWords, catalogue: Catalogue, codes: Mapping[str, CodeList]) -> None:
        self.words, self.catalogue, self.codes = words, catalogue, codes
        self.faults: list[Fault] = []
        self.units: dict[str, Unit] = {}
        self.lines: dict[str, Line] = {}  # by code

    def read(self, paths: Sequence[Path]) -> Roster:
        lists: list[tuple[Path, Listing]] = []
        for path in paths:
            if not path.is_file():
                self.faults.append(Fault(path.name, "没有这个名册文件。请用 xlgoals init 生成的 roster.xlsx 填写，或在 cycle.yaml 里写明 roster。"))
                continue
            try:
                lists += [(path, one) for one in read_lists(path, self.catalogue, self._known())]
            except InputError as error:
                self.faults += error.faults
        if self.faults:
            raise InputError(self.faults)
        lists = [(path, one) for path, one in lists if bare(one.name) != bare(self.words.help.sheet)]
        units = self._of(lists, self.words.units) or [(path, one) for path, one in lists if self._is(one, self.words.units)]
        rest = [one for one in lists if one not in units]
        projects = self._of(rest, self.words.projects) or [(path, one) for path, one in rest if self._is(one, self.words.projects)]
        if not units:
            heads = "、".join(column.label for column in self.words.units.columns.values() if column.required)
            raise InputError([Fault("、".join(path.name for path in paths), f"找不到单位名册：没有一张表有这些栏目：{heads}。")])
        for path, listing in units:
            self._units(listing, path)
        self._tree()
        for _, listing in projects:
            self._projects(listing)
        if not self.units and not self.faults:
            self.faults.append(Fault(units[0][1].place, "名册里一个单位也没有，请从第二行起填写。"))
        if self.faults:
            raise InputError(self.faults)
        return Roster(self.units)

    def _known(self) -> list[str]:
        return [word for sheet in (self.words.units, self.words.projects) for column in sheet.columns.values() for word in (column.label, *column.aka)]

    def _of(self, lists: Sequence[tuple[Path, Listing]], sheet: SheetWords) -> list[tuple[Path, Listing]]:
        """The lists that have a sheet's own name."""
        return [(path, one) for path, one in lists if bare(one.name) == bare(sheet.sheet)]

    def _is(self, listing: Listing, sheet: SheetWords) -> bool:
        """Whether a list has what a sheet must have; a project's name tells projects from units."""
        keys = self._keys(listing, sheet).values()
        project = bare(self.words.projects.columns["name"].label) in map(bare, listing.headings)
        return all(key in keys for key, column in sheet.columns.items() if column.required) and project == (sheet is self.words.projects)

    def _keys(self, listing: Listing, sheet: SheetWords) -> dict[str, str]:
        """Heading as written -> key; an exact label before other spellings, each key once."""
        found: dict[str, str] = {}
        for spelling in (lambda c: (c.label,), lambda c: c.aka):
            for heading in listing.headings:
                for key, column in sheet.columns.items():
                    if heading not in found and key not in found.values() and bare(heading) in map(bare, spelling(column)):
                        found[heading] = key
        return found

    # --- units

    def _headings(self, listing: Listing, sheet: SheetWords, open_: bool) -> dict[str, str]:
        """Key -> heading. Missing and unknown ones are mistakes; a list open to more headings keeps the unknown."""
        keys = self._keys(listing, sheet)
        for key, column in sheet.columns.items():
            if column.required and key not in keys.values():
                self.faults.append(Fault(listing.place, f"缺少栏目“{column.label}”，请补上。"))
        for heading, place in listing.headings.items():
            if heading not in keys and not open_:
                labels = [column.label for key, column in sheet.columns.items() if key not in keys.values()]
                near = difflib.get_close_matches(heading, labels, 1)
                self.faults.append(Fault(place, f"不认识栏目“{heading}”{f'，是不是“{near[0]}”？' if near else '。请删去这一栏，或改名为“备注”。'}"))
        return {key: heading for heading, key in keys.items()}

    def _units(self, listing: Listing, path: Path) -> None:
        heads = self._headings(listing, self.words.units, False)
        if not {"code", "name"} <= heads.keys():
            return
        for line in listing.lines:
            texts = {key: _one_line(line.text(heading)) for key, heading in heads.items()}
            if not texts["code"] and not texts["name"]:
                if any(text for key, text in texts.items() if key not in ("department", "note")):
                    self.faults.append(Fault(line.place, "这一行没有单位编码和单位名称，请补上或删去整行。"))
                continue
            self._required(line, heads, self.words.units)
            code = self._code(line, heads["code"])
            parent = self._code(line, heads["parent"]) if "parent" in heads else ""
            level, fills = (self._chosen(line, heads, self.words.units, key) for key in ("level", "fills"))
            unit = Unit(
                code, texts["name"], texts.get("department", ""), "", level.word if level else "", parent,
                fills.fills if fills else level.fills if level else True,
                texts.get("contact", ""), texts.get("phone", ""), texts.get("mail", ""), (), line.place,
            )  # fmt: skip
            if code in self.units:
                first = self.lines[code].at(heads["code"])
                self.faults.append(Fault(line.at(heads["code"]), f"单位编码 {code} 重复（{first} 也是），请改正其中一个。"))
            elif code:
                self.units[code], self.lines[code] = unit, line
        self.heads = heads
        self._lost_zeros(path)

    def _required(self, line: Line, heads: Mapping[str, str], sheet: SheetWords) -> None:
        for key, column in sheet.columns.items():
            if column.required and not line.text(heads[key]):
                self.faults.append(Fault(line.place, f"“{column.label}”没有填，请补上。"))

    def _chosen(self, line: Line, heads: Mapping[str, str], sheet: SheetWords, key: str) -> Choice | None:
        if key not in heads or not (text := line.text(heads[key])):
            return None
        choices = self.words.choices(sheet.columns[key].choices)
        found = chosen(choices, text)
        if found is None:
            known = "、".join(one.word for one in choices)
            self.faults.append(Fault(line.at(heads[key]), f"{sheet.columns[key].label}“{text}”不认识，只能是：{known}。"))
        return found

    def _code(self, line: Line, heading: str) -> str:
        item = line.items.get(heading)
        text, fault = code_in(item, heading) if item else ("", None)
        if fault:
            self.faults.append(fault)
        return text

    def _lost_zeros(self, path: Path) -> None:
        """Codes that may have lost zeros in front: numbers, or any code of a csv file, shorter than all others of their level."""
        levels: dict[str, list[str]] = {}
        for code, unit in self.units.items():
            if code.isdecimal():
                levels.setdefault(unit.level, []).append(code)
        for codes in levels.values():
            longest = max(map(len, codes))
            most = Counter(map(len, codes)).most_common(1)[0][0]
            for code in codes:
                item = self.lines[code].items[self.heads["code"]]
                doubtful = item.number is not None or path.suffix.lower() in CSV_ENDINGS
                if doubtful and len(code) < longest == most and not any(other != code and other.startswith(code) for other in codes):
                    text = f"单位编码 {code} 只有 {len(code)} 位，同级单位是 {longest} 位，可能丢了前面的 0。请把这一栏设为文本格式，改为 {code.zfill(longest)} 或正确的编码。"
                    self.faults.append(item.fault(text))

    # --- the tree

    def _tree(self) -> None:
        for code, unit in self.units.items():
            if unit.parent and unit.parent not in self.units:
                at = self.lines[code].at(self.heads["parent"])
                self.faults.append(Fault(at, f"上级单位编码 {unit.parent} 在名册里没有{self._meant(unit.parent)}，请改正，或补上那个单位。"))
            elif unit.parent and self._rank(unit.level) < self._rank(self.units[unit.parent].level):
                over = self.units[unit.parent]
                text = f"级次是“{unit.level}”，比上级单位“{over.name}”的级次“{over.level}”还高，请改正其中一个。"
                self.faults.append(Fault(self.lines[code].at(self.heads["level"]), text))
        circles = self._circles()
        for circle in circles:
            at = self.lines[circle[0]].at(self.heads["parent"])
            names = " → ".join(self.units[code].name or code for code in (*circle, circle[0]))
            self.faults.append(Fault(at, f"上级单位成了圈：{names}，请改正其中一个。"))
        inside = {code for circle in circles for code in circle}
        for code in self.units:
            self._department(code, inside)
        seen: dict[tuple[str, str], str] = {}
        for code, unit in self.units.items():
            first = seen.setdefault((unit.department_text, bare(unit.name)), code)
            if first != code and unit.name:
                at, other = (self.lines[one].at(self.heads["name"]) for one in (code, first))
                self.faults.append(Fault(at, f"“{unit.name}”在{unit.department or '同一层'}下重名（{other} 也是），请改正，或在名称里区分。"))

    def _circles(self) -> list[list[str]]:
        """Every ring of units that stand above one another, each once, from its first in the list."""
        state: dict[str, int] = {}
        found = []
        for start in self.units:
            path: list[str] = []
            code = start
            while code in self.units and code not in state:
                state[code] = 1
                path.append(code)
                code = self.units[code].parent
            if code in path:
                found.append(path[path.index(code) :])
            state |= dict.fromkeys(path, 2)
        return found

    def _department(self, code: str, inside: set[str]) -> None:
        """Settle a unit's level and the department it belongs to: as given, itself, or the nearest department above."""
        unit = self.units[code]
        grouping = {one.word for one in self.words.levels if not one.fills}
        own = next(one.word for one in self.words.levels if one.department)
        below = self.words.levels[-1].word
        given = self._given(unit)
        level = unit.level or (own if not unit.parent and (given is None or given[1] == unit.name) else below)
        if level in grouping:
            self.units[code] = replace(unit, level=level, department="")
            return
        above = (code, unit.name) if level == own else self._above(unit, own, grouping, inside)
        if given and above and given[0] != above[0] and (given[0] in self.units or level != own):
            text = f"主管部门写的是“{unit.department}”，按级次和上级单位应是“{' '.join(above).strip()}”，请改正其中一个。"
            self.faults.append(Fault(self.lines[code].at(self.heads["department"]), text))
        department = above if level == own else given or above
        if department is None and code not in inside and not (unit.parent and unit.parent not in self.units):
            heading = self.words.units.columns["department"].label
            self.faults.append(Fault(unit.place, f"看不出“{unit.name or code}”属于哪个主管部门，请填“{heading}”，或填它的上级单位编码。"))
        self.units[code] = replace(unit, level=level, department=department[1] if department else "", department_code=department[0] if department else "")

    def _above(self, unit: Unit, own: str, grouping: Collection[str], inside: Collection[str]) -> tuple[str, str] | None:
        """The code and name of the nearest department above a unit."""
        seen: set[str] = set()
        at = unit.parent
        while at in self.units and at not in seen and at not in inside:
            seen.add(at)
            over = self.units[at]
            if over.level == own or (not over.level and not over.parent):
                return at, over.name
            if over.level not in grouping and (told := self._given(over)):
                return told
            at = over.parent
        return None

    def _rank(self, level: str) -> int:
        """How far down a level stands; one left open stands lowest, so that nothing is said of it."""
        return next((n for n, one in enumerate(self.words.levels) if one.word == level), len(self.words.levels))

    def _given(self, unit: Unit) -> tuple[str, str] | None:
        """The code and name of the department that a row names: a unit of the roster by code or name, or just what is written."""
        text = unit.department
        if not text or (unit.department_code and unit.department):
            return (unit.department_code, text) if text else None
        coded = CODED.fullmatch(text)
        for code in (text, coded[1] if coded else ""):
            if code in self.units:
                return code, self.units[code].name
        name = coded[2].strip() if coded else text
        same = [code for code, one in self.units.items() if bare(one.name) == bare(name)]
        if len(same) == 1:
            return same[0], self.units[same[0]].name
        if text.isdecimal():
            self.faults.append(Fault(self.lines[unit.code].at(self.heads["department"]), f"主管部门编码 {text} 在名册里没有{self._meant(text)}，请改正，或写部门名称。"))
        return (coded[1], name) if coded else ("", name)

    def _meant(self, code: str) -> str:
        """Which code was probably meant."""
        padded = [known for known in self.units if known.lstrip("0") == code.lstrip("0")]
        near = padded or difflib.get_close_matches(code, self.units, 1)
        return f"（是不是 {near[0]}？{'前面的 0 丢了' if padded else ''}）" if near else ""

    # --- projects

    def _projects(self, listing: Listing) -> None:
        sheet = self.words.projects
        heads = self._headings(listing, sheet, True)
        if not {"unit", "name"} <= heads.keys():
            return
        known = set(heads.values())
        own: dict[str, list[Project]] = {}
        seen: dict[tuple[str, str], str] = {}  # a project by its code, one without by unit and name -> where it stands
        for line in listing.lines:
            self._required(line, heads, sheet)
            unit = self._code(line, heads["unit"])
            code = self._code(line, heads["code"]) if "code" in heads else ""
            kind, carried = (self._chosen(line, heads, sheet, key) for key in ("kind", "carried"))
            subject = digits(self._code(line, heads["subject"])) if "subject" in heads else ""
            if subject and (wrong := subject_fault(subject, self.codes)):
                self.faults.append(Fault(line.at(heads["subject"]), wrong))
            name = _one_line(line.text(heads["name"]))
            if unit and unit not in self.units:
                self.faults.append(Fault(line.at(heads["unit"]), f"单位编码 {unit} 在单位名册里没有{self._meant(unit)}，请改正，或补上那个单位。"))
            elif unit and not self.units[unit].fills:
                self.faults.append(Fault(line.at(heads["unit"]), f"“{self.units[unit].name}”不填报，不能有项目。请改正单位编码，或把它的“是否填报”改为“是”。"))
            key, same, what = ("code", (code, ""), f"项目编码 {code} ") if code else ("name", (unit, bare(name)), f"项目“{name}”")
            at = line.at(heads[key])
            if name and (first := seen.setdefault(same, at)) != at:
                self.faults.append(Fault(at, f"{what}重复（{first} 也是），请改正或删去一个。"))
            more = {heading: item for heading, item in line.items.items() if heading not in known}
            own.setdefault(unit, []).append(Project(unit, name, code, kind.word if kind else "", subject, bool(carried and carried.fills), more, line.place))
        for code, projects in own.items():
            if code in self.units:
                self.units[code] = replace(self.units[code], projects=(*self.units[code].projects, *projects))
