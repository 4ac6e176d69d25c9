"""The benchmark's own corpus: unit workbooks in the `qinglong-2024` form, with text as units write it, from a fixed seed.

    python -m benchmarks.corpus FOLDER COUNT [--sheets 20]  each workbook drawn and filled on its own, with so many forms
    python -m benchmarks.corpus FOLDER COUNT --from DIR     the same workbooks again for further counties: other names, other bytes

A workbook is drawn once and then typed into as Excel would save it: values in the cells, texts in the shared strings, each
once, Chinese ones with the phonetic mark that a Chinese Excel adds. About one form in twenty has a gross mistake; with what is merely
asked about, there are some eight findings a form, as in the 46 published forms. Nothing here is kept in the repository.
"""

from __future__ import annotations

import argparse
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from xlgoals.entries import line_inputs
from xlgoals.forms import Form, Forms
from xlgoals.layout import ORIGIN, plan
from xlgoals.records import Stamp, cell_name
from xlgoals.render import render
from xlgoals.spec import load_forms

FORM, YEAR, SHEETS, SEED = "qinglong-2024", "2024", 20, 20240101
PLACE = "云溪县"  # in all names, and nowhere else: a further county has another name of as many letters
DEPARTMENT, UNIT = "@department@", "@unit@"

KINDS = {
    "教育局": ("实验小学", "职业中学", "特殊教育学校", "教研室", "学生资助中心", "中心幼儿园"),
    "卫生健康局": ("人民医院", "中医医院", "疾病预防控制中心", "妇幼保健院", "乡镇卫生院", "急救中心"),
    "民政局": ("养老服务中心", "救助管理站", "儿童福利院", "殡葬管理所", "社会组织服务中心"),
    "农业农村局": ("农业技术推广中心", "动物疫病预防控制中心", "农机安全监理站", "种子管理站", "农村经济服务中心"),
    "水利局": ("水库管理所", "灌区管理处", "水土保持站", "防汛抗旱服务中心", "河长制事务中心"),
    "交通运输局": ("公路养护中心", "运输管理所", "农村公路管理站", "道路工程队"),
    "住房和城乡建设局": ("市政设施养护所", "房产服务中心", "建设工程质量监督站", "供热服务中心"),
    "文化和旅游局": ("图书馆", "文化馆", "博物馆", "文物保护所", "旅游服务中心"),
    "生态环境局": ("环境监测站", "环境监察大队", "固体废物管理中心"),
    "人力资源和社会保障局": ("就业服务中心", "社会保险事业中心", "劳动监察大队", "职业培训中心"),
}
THINGS = (
    "困难学生", "校舍维修", "营养改善", "基本公共卫生服务", "计划免疫", "重大传染病防控", "特困人员", "高龄老人", "残疾人", "农村低保对象", "高标准农田", "畜禽防疫", "秸秆综合利用",
    "饮水安全工程", "河道清淤", "水库除险加固", "村级公路", "危桥改造", "客运站点", "老旧小区", "供热管网", "污水处理设施", "公共文化场馆", "非遗传承", "乡村旅游", "空气质量自动站",
    "排污口整治", "公益性岗位", "职业技能培训", "劳动关系协调", "信息系统运维", "档案数字化", "执法装备", "消防设施", "林草防火", "地质灾害点", "食品安全抽检", "计量器具检定", "退役士兵",
    "法律援助", "社区矫正", "网格化管理", "人居环境整治", "厕所改造", "垃圾清运", "防汛物资", "应急演练", "安全生产检查", "科普活动", "创业孵化",
)  # fmt: skip
WHICH = ("", "", "", "城区", "农村", "县级", "中央", "省级", "新增", "重点", "基层", "公办", "民办", "全县", "乡镇", "特殊", "年度", "专项", "存量", "配套")
DEEDS = ("补助", "建设", "维护", "保障", "改造", "服务", "管理", "监测", "宣传", "培训", "购置", "配套", "奖补", "巡查")
COUNTED = ("人", "户", "人次", "个", "处", "公里", "亩", "台（套）", "场次", "批次", "平方米", "份")
BASES = ("工作计划", "工作保障措施", "满意度调查", "部门职责", "年度工作要点", "行业标准", "历史数据", "合同约定", "调查问卷结果")
FEWER = ("数量指标", "质量指标", "时效指标", "成本指标")


class Line(NamedTuple):
    level1: str
    level2: str
    name: str
    description: str
    target: str
    basis: str


def workbooks(count: int, seed: int = SEED, first: int = 0, sheets: int = SHEETS) -> Iterator[tuple[str, bytes]]:
    """File name and bytes of so many unit workbooks; the n-th is the same however many there are."""
    press = Press(load_forms(), sheets)
    for number in range(first, first + count):
        yield press.workbook(number, random.Random(seed * 1_000_003 + number))


def fill_folder(folder: Path, count: int, sheets: int = SHEETS) -> list[Path]:
    """Write a corpus where it is not there yet, a folder a department; give its files."""
    done = folder / f".corpus-{count}"
    if not done.exists():
        for name, data in workbooks(count, sheets=sheets):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        done.touch()
    return sorted(folder.rglob("*.xlsx"))


class Press:
    """The blank workbook taken apart: its parts, its strings, and of each form sheet the pieces between its input cells."""

    def __init__(self, forms: Forms, sheets: int = SHEETS, stamp: Stamp = Stamp(1, "", "", year=YEAR, department=DEPARTMENT, unit=UNIT)) -> None:  # noqa: B008  an immutable value
        self.form: Form = forms[FORM]
        blank = render(forms, self.form, count=sheets, stamp=stamp)
        with zipfile.ZipFile(_stream(blank)) as opened:
            self.parts = {info.filename: opened.read(info) for info in opened.infolist()}
        strings = self.parts["xl/sharedStrings.xml"].decode()
        self.strings = re.findall(r"<si>.*?</si>", strings, re.DOTALL)
        sheet_names = [name for name in self.parts if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", name)]
        self.pages = {}
        for name in sorted(sheet_names, key=lambda name: int(re.sub(r"\D", "", name))):
            text = self.parts[name].decode()
            if self._stamped(text):
                self.pages[name] = Page(text)
        if len(self.pages) != sheets:
            raise SystemExit(f"{len(self.pages)} form sheets found, {sheets} drawn")

    def _stamped(self, sheet: str) -> bool:
        cells = (int(at) for at in re.findall(r't="s"><v>(\d+)</v>', sheet[: sheet.find("</row>")]))
        return any('"instance"' in self.strings[at] or "&quot;instance&quot;" in self.strings[at] for at in cells)

    def workbook(self, number: int, dice: random.Random) -> tuple[str, bytes]:
        """One unit's workbook and the name it is saved under."""
        kind = sorted(KINDS)[number // 20 % len(KINDS)]
        office = number // 20 // len(KINDS) + 1  # an office has up to twenty units
        department = f"{400 + number // 20} {PLACE}{_numeral(office)}{kind}"
        unit = f"{PLACE}第{number + 1}{KINDS[kind][number % len(KINDS[kind])]}"
        names = {DEPARTMENT: department, UNIT: unit}
        table = {}
        items = [_replaced(item, names) for item in self.strings]

        def shared(text: str) -> int:
            if text not in table:
                table[text] = len(items)
                space = ' xml:space="preserve"' if text != text.strip() else ""
                items.append(f'<si><t{space}>{escape(text, quote=False)}</t><phoneticPr fontId="1" type="noConversion"/></si>')
            return table[text]

        members = []
        pages = iter(range(1, len(self.pages) + 1))
        for name, part in self.parts.items():
            if name in self.pages:
                project = _project(self.form, unit, number * 100 + next(pages), dice)
                part = _replaced(self.pages[name].filled(self._cells(project), project, shared), names).encode()
            elif name == "docProps/custom.xml" or name.startswith("xl/worksheets/"):
                part = _replaced(part.decode(), names).encode()
            members.append((name, part))
        count = sum(part.count(b't="s"') for name, part in members if name.startswith("xl/worksheets/"))
        main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        head = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n<sst xmlns="{main}" count="{count}" uniqueCount="{len(items)}">'
        strings = (head + "".join(items) + "</sst>").encode()
        data = zipped((name, strings if name == "xl/sharedStrings.xml" else part) for name, part in members)
        return f"{department}/{unit}绩效目标表.xlsx", data

    @cached_property
    def _lines(self) -> dict[str, dict[str, list[dict[str, str]]]]:
        """Grid -> what its blocks print -> the lines, each column key -> address."""
        laid, found = plan(self.form), dict[str, dict[str, list[dict[str, str]]]]()
        for _, grid in self.form.template.grids():
            for row in laid.lines(grid.grid):
                printed = "".join(grid.blocks[laid.rows[row].block].fixed.values())
                cells = {column.key: _address(row, slot.area.left) for slot, column in line_inputs(laid, grid, row, None)}
                found.setdefault(grid.grid, {}).setdefault(printed, []).append(cells)
        return found

    def _cells(self, project: Mapping[str, Any]) -> dict[str, str]:
        """Address -> what stands there."""
        inputs = plan(self.form).inputs
        cells = {_address(inputs[key].area.top, inputs[key].area.left): text for key, text in project["fields"].items()}
        for text, line in zip(project["goals"], self._lines["goals"][""], strict=False):
            cells[line["goal"]] = text
        used: dict[str, int] = {}
        for one in project["indicators"]:
            line = self._lines["indicators"][one.level1][used.setdefault(one.level1, 0)]
            used[one.level1] += 1
            cells |= {line[key]: text for key, text in one._asdict().items() if key in line}
        return cells


class Page:
    """One form sheet in pieces: what may change stands alone."""

    def __init__(self, text: str) -> None:
        self.pieces = re.split(r'(<row r="\d+"[^>]*>|<c r="[A-Z]+\d+"[^>]*/>|<c r="[A-Z]+\d+"[^>]*><f>[^<]*</f><v></v></c>)', text)
        self.at = {match[1]: at for at, piece in enumerate(self.pieces) if (match := re.match(r'<(?:c|row) r="([A-Z]*\d+)"', piece))}

    def filled(self, cells: Mapping[str, str], project: Mapping[str, Any], shared: Any) -> str:
        pieces = self.pieces.copy()
        for address, text in cells.items():
            if not text:
                continue
            at, style = self.at[address], re.search(r' s="\d+"', self.pieces[self.at[address]])
            start = f'<c r="{address}"{style[0] if style else ""}'
            number = address in project["numbers"]
            pieces[at] = f"{start}><v>{text}</v></c>" if number else f'{start} t="s"><v>{shared(text)}</v></c>'
            row = self.at[re.sub("[A-Z]", "", address)]
            pieces[row] = pieces[row].replace(' hidden="1"', "")  # a spare line that was taken into use
        title = pieces[self.at["A2"]]
        if "<v></v>" in title:  # the title repeats the project's name: Excel has calculated it
            value = escape(f"{project['seq']}、{project['fields']['project_name']}绩效目标表", quote=False)
            pieces[self.at["A2"]] = title.replace("><f>", ' t="str"><f>', 1).replace("<v></v>", f"<v>{value}</v>")
        return "".join(pieces)


def _project(form: Form, unit: str, number: int, dice: random.Random) -> dict[str, Any]:
    """What a unit writes about one project."""
    thing, deed = dice.choice(WHICH) + dice.choice(THINGS), dice.choice(DEEDS)
    name = f"{YEAR}年{thing}{deed}{dice.choice(('', '资金', '经费', '项目', '专项经费'))}"
    total = dice.choice((dice.randrange(50, 5_000) / 10, dice.randrange(100, 2_000_000) / 100, float(dice.randrange(1, 800))))
    other = round(total * dice.choice((0, 0, 0, 0, 0.1, 0.3)), 2)
    fiscal = round(total - other, 2)
    share = sorted(dice.sample(range(10, 100, 5), 3))
    money = {"total": total, "fiscal": fiscal, "other": other}
    money |= {f"plan_{month}": round(total * part / 100, 2) for month, part in zip((3, 6, 10, 12), (*share, 100), strict=True)}
    if dice.random() < 0.01:
        money["fiscal"] = round(fiscal + dice.randrange(1, 50), 2)  # does not add up
    people = dice.randrange(20, 20_000)
    fields = {key: f"{amount:.2f}".rstrip("0").rstrip(".") for key, amount in money.items()}
    numbers = set(fields)
    if dice.random() < 0.01:
        key = dice.choice(sorted(fields))
        fields[key] += "万元"  # a figure with its unit is text
        numbers.discard(key)
    if dice.random() < 0.05:
        fields["other"] = ""
    fields |= {
        "project_code": f"{130_000 + number % 999}23P{number:014d}"[:20] + "X",
        "project_name": name,
        "purpose": f"共需资金{total:g}万元，其中财政资金{fiscal:g}万元，其他资金{other:g}万元，主要用于{thing}{deed}，涉及{people}人，由{unit}组织实施。",
    }
    goals = [
        f"通过{name}的实施，完成{people}人（处）{thing}{deed}任务，确保资金按时足额拨付到位。",
        f"进一步提高{thing}{deed}水平，切实解决{dice.choice(('群众', '基层', '服务对象', '困难家庭'))}反映的突出问题，受益人数不少于{people + 100}人。",
        f"建立健全{thing}{deed}长效管理机制。",
    ][: dice.choice((1, 2, 2, 3))]
    indicators = list(_indicators(form, thing, deed, total, people, dice))
    mistake = dice.random()
    if mistake < 0.015:
        at = dice.randrange(len(indicators))
        indicators[at] = indicators[at]._replace(target="")
    elif mistake < 0.03:
        at = dice.randrange(len(indicators))
        indicators[at] = indicators[at]._replace(level2="其他指标")
    laid = plan(form)
    places = {_address(laid.inputs[key].area.top, laid.inputs[key].area.left) for key in numbers}
    return {"fields": fields, "goals": goals, "indicators": indicators, "numbers": places, "seq": number % 100}


def _indicators(form: Form, thing: str, deed: str, total: float, people: int, dice: random.Random) -> Iterator[Line]:
    """The lines of one form, by the usual pattern of each second level."""
    first, second, third = form.choices("level1")[-3:]
    basis = dice.choice(BASES) if dice.random() < 0.5 else f"云财发〔{dice.randrange(2019, 2025)}〕{dice.randrange(1, 200)}号"
    for level2 in sorted(dice.choices(FEWER, k=dice.randrange(6, 10)), key=FEWER.index):
        other, n, share = dice.choice(WHICH) + dice.choice(THINGS), dice.randrange(1, 9_999), dice.randrange(80, 101)
        unit = dice.choice(COUNTED)
        name, description, target = {
            "数量指标": (f"{thing}{deed}数量", f"反映{YEAR}年{thing}{deed}涉及的{unit}数", f"≥{n}{unit}"),
            "质量指标": (f"{other}{deed}合格率", f"{other}{deed}合格数量占全部数量的比例", f"≥{share}%"),
            "时效指标": (f"{thing}{deed}完成时间", f"{thing}{deed}工作完成的具体时间", f"{YEAR}年{dice.randrange(3, 13)}月底前"),
            "成本指标": (f"{thing}{deed}成本控制数", "支出金额控制在预算额度内", f"≤{total:g}万元"),
        }[level2]
        yield Line(first, level2, name, description, target, basis)
    for level2 in dice.sample(form.choices("level2", second), dice.randrange(2, 4)):
        share = dice.randrange(80, 100)
        name, description, target = dice.choice((
            (f"{thing}受益人数", f"因{thing}{deed}而受益的人数", f"≥{people}人"),
            (f"{thing}{deed}政策知晓率", f"知晓{thing}{deed}政策的人数占应知晓人数的比例", f"≥{share}%"),
            (f"{thing}{deed}水平", f"反映{thing}{deed}对事业发展的促进作用", dice.choice(("持续提升", "明显提高", "长期", "有效改善"))),
            (f"{thing}事故发生率", f"{thing}领域事故发生的比例", f"≤{dice.randrange(1, 5)}%"),
        ))  # fmt: skip
        yield Line(second, level2, name, description, target, dice.choice(BASES))
    (level2,) = form.choices("level2", third)[:1]
    whom = dice.choice(("服务对象", "受益群众", "师生", "企业", "社会公众"))
    yield Line(third, level2, f"{whom}满意度", f"{whom}对{thing}{deed}工作的满意程度", f"≥{dice.randrange(85, 99)}%", "满意度调查")


def _address(row: int, left: int) -> str:
    return cell_name(row + ORIGIN[0], left + ORIGIN[1])


def _numeral(number: int) -> str:
    return "".join("零一二三四五六七八九"[int(digit)] for digit in str(number))


def _replaced(text: str, names: Mapping[str, str]) -> str:
    for mark, name in names.items():
        text = text.replace(mark, name)
    return text


def _stream(data: bytes) -> Any:
    import io

    return io.BytesIO(data)


# --- further counties -------------------------------------------------------------------------------------------------


def further(files: Sequence[Path], base: Path, folder: Path, count: int) -> Iterator[Path]:
    """Write the workbooks of a corpus again and again under other names: only the strings are packed anew."""
    for number in range(count):
        county, at = divmod(number, len(files))
        name = f"第{_numeral(county + 1)}县" if county else PLACE
        source = files[at]
        path = folder / name / Path(*(part.replace(PLACE, name) for part in source.relative_to(base).parts))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(renamed(source.read_bytes(), name) if county else source.read_bytes())
        yield path


def renamed(data: bytes, name: str) -> bytes:
    """A workbook of another county: its strings changed, every other part copied as it is packed."""
    with zipfile.ZipFile(_stream(data)) as opened:
        infos = opened.infolist()
        strings = opened.read("xl/sharedStrings.xml").replace(PLACE.encode(), name.encode())
    members = []
    for info in infos:
        start = info.header_offset + 30 + sum(struct.unpack_from("<HH", data, info.header_offset + 26))
        packed = data[start : start + info.compress_size], info.CRC, info.file_size
        members.append((info.filename, *(_deflated(strings) if info.filename == "xl/sharedStrings.xml" else packed)))
    return _archive(members)


# --- zip --------------------------------------------------------------------------------------------------------------


def zipped(parts: Iterator[tuple[str, bytes]]) -> bytes:
    """Pack parts, with a fixed date."""
    return _archive([(name, *_deflated(part)) for name, part in parts])


def _deflated(part: bytes) -> tuple[bytes, int, int]:
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return packer.compress(part) + packer.flush(), zlib.crc32(part), len(part)


def _archive(members: Sequence[tuple[str, bytes, int, int]]) -> bytes:
    body, directory, at = [], [], 0
    for name, packed, crc, size in members:
        raw = name.encode()
        fields = struct.pack("<HHHHIIIHH", 0, 8, 0, 33, crc, len(packed), size, len(raw), 0)
        body += [b"PK\3\4\x14\0", fields, raw, packed]
        directory += [b"PK\1\2\x14\0\x14\0", fields, struct.pack("<HHHII", 0, 0, 0, 0, at), raw]
        at += 30 + len(raw) + len(packed)
    ending = b"".join(directory)
    return b"".join(body) + ending + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, len(members), len(members), len(ending), at, 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("count", type=int)
    parser.add_argument("--sheets", type=int, default=SHEETS)
    parser.add_argument("--from", dest="known", type=Path)
    given = parser.parse_args()
    if given.known:
        print(sum(1 for _ in further(sorted(given.known.rglob("*.xlsx")), given.known, given.folder, given.count)), "workbooks")
    else:
        print(len(fill_folder(given.folder, given.count, given.sheets)), "workbooks")
