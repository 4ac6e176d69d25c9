"""The sheet 校验问题清单 as XML: what was found in a workbook, a row each, with links to the cells and room for the unit's words.

Texts are written as inline strings of text format: nothing in them is ever a formula, a link or a tag.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from xlgoals import splice
from xlgoals.findings import SEVERITIES, SEVERITY_WORDS, STATUS_WORDS, Finding, Severity
from xlgoals.outputs import TEXT_MOST, fit_text
from xlgoals.records import column_name
from xlgoals.wording import ListWords

KEY_MARK = "xlgoals:key"  # heads the hidden column of keys: by it a list is known, whatever its sheet is called
ROWS_MOST = 20_000  # Excel grows slow with more links
TALLEST = 409.0
LOOKS = ("title", "guide", "head", "text", "link", "locked", "answer", "grey", "hidden", *SEVERITIES)  # cell styles, in the order `styles` numbers them


@dataclass(frozen=True, slots=True)
class Row:
    """One problem as the list shows it."""

    finding: Finding
    answer: str = ""  # what the unit wrote, now or in an earlier round
    link: bool = True


def rows_of(findings: Sequence[Finding], answers: Mapping[str, str], sheets: Mapping[str, bool]) -> list[Row]:
    """The rows of a list. `answers` holds the unit's words by key; `sheets` tells of each sheet whether it is visible."""
    rows = []
    for finding in findings:
        words = answers.get(finding.key) or (finding.answer if finding.status == "explained" else "")
        link = bool(finding.at.cell) and sheets.get(finding.at.sheet, False)
        rows.append(Row(finding, words if finding.severity == "query" else "", link))
    return rows


@dataclass(frozen=True)
class ListSheet:
    """The list before it is written: its rows and words."""

    rows: Sequence[Row]
    words: ListWords
    file: str
    alone: bool = False  # a workbook of its own: its links would lead nowhere
    grades: Sequence[str] = ()  # what reviewers graded, a line a form

    @cached_property
    def guide(self) -> tuple[str, ...]:
        severities = [row.finding.severity for row in self.rows]
        told = {
            "count": len(self.rows), "errors": severities.count("error"), "queries": severities.count("query"),
            "notes": severities.count("note"), "answer": self.words.columns["answer"].label, "file": self.file,
        }  # fmt: skip
        lines = (self.words.guide[0], self.words.unmarked) if self.alone else self.words.guide
        return (*(line.format_map(told) for line in lines), *self.grades)

    @property
    def head(self) -> int:
        """The row of the headings, counted from 1."""
        return len(self.guide) + 2

    @property
    def last(self) -> int:
        return self.head + max(min(len(self.rows), ROWS_MOST), 1)

    @property
    def area(self) -> str:
        """The headings and what stands below them, as names of a workbook refer to it."""
        return f"$A${self.head}:${column_name(len(self.words.columns) - 1)}${self.last}"

    def xml(self, space: str, relations: str, styles: Mapping[str, int], views: bool) -> bytes:
        """The worksheet part in the namespace of its workbook. `styles` numbers the looks; without `views` none is told."""
        words, keys = self.words, list(self.words.columns)
        right = column_name(len(keys) - 1)
        first = self.head + 1
        body = [
            '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n',
            f'<worksheet xmlns="{space}" xmlns:r="{relations}"><sheetPr><tabColor rgb="FF{words.tab}"/><pageSetUpPr fitToPage="1"/></sheetPr>',
            f'<dimension ref="A1:{right}{self.last}"/>',
        ]
        if views:
            body.append(
                f'<sheetViews><sheetView showGridLines="0" workbookViewId="0"><pane ySplit="{self.head}" topLeftCell="A{first}" '
                f'activePane="bottomLeft" state="frozen"/><selection pane="bottomLeft" activeCell="A{first}" sqref="A{first}"/></sheetView></sheetViews>'
            )
        columns = "".join(
            f'<col min="{n}" max="{n}" width="{words.columns[key].width}" customWidth="1"{_hidden(key)}/>' for n, key in enumerate(keys, 1)
        )
        body.append(f'<sheetFormatPr defaultRowHeight="15"/><cols>{columns}</cols><sheetData>')
        body.append(self._line(1, {0: (words.title, "title")}, styles, words.title_size * words.line_factor + 4))
        line = words.size * words.line_factor + 4
        body += [self._line(number, {0: (text, "guide")}, styles, line) for number, text in enumerate(self.guide, 2)]
        heads = {n: (KEY_MARK, "hidden") if key == "key" else (words.columns[key].label, "head") for n, key in enumerate(keys)}
        body.append(self._line(self.head, heads, styles, 2 * words.size * words.line_factor))
        shown = self.rows[:ROWS_MOST]
        for number, row in enumerate(shown, 1):
            cells = {n: self._cell(key, number, row) for n, key in enumerate(keys)}
            lines = max(_lines(text, words.columns[keys[n]].width, words.size) for n, (text, look) in cells.items() if look != "hidden")
            body.append(self._line(self.head + number, cells, styles, lines * words.size * words.line_factor + 4))
        if len(shown) < len(self.rows):
            rest = words.rest.format(count=len(self.rows) - len(shown))
            body.append(self._line(self.last + 1, {0: (rest, "guide")}, styles, line))
        body.append(
            '</sheetData><sheetProtection sheet="1" objects="1" scenarios="1" formatColumns="0" formatRows="0" autoFilter="0"/>'
            f'<autoFilter ref="{self.area.replace("$", "")}"/>'
        )
        if links := "".join(self._links(shown)):
            body.append(f"<hyperlinks>{links}</hyperlinks>")
        body.append(
            '<printOptions horizontalCentered="1"/><pageMargins left="0.4" right="0.4" top="0.6" bottom="0.6" header="0.3" footer="0.3"/>'
            '<pageSetup paperSize="9" orientation="landscape" fitToHeight="0"/>'
        )
        body.append(f"<headerFooter><oddFooter>&amp;C{splice.xml_text(words.footer).decode()}</oddFooter></headerFooter>")
        body.append(f'<ignoredErrors><ignoredError sqref="A1:{right}{self.last}" numberStoredAsText="1"/></ignoredErrors></worksheet>')
        return "".join(body).encode()

    def _line(self, number: int, cells: Mapping[int, tuple[str, str]], styles: Mapping[str, int], height: float) -> str:
        written = "".join(_written(f"{column_name(n)}{number}", text, styles[look], self.words.cut) for n, (text, look) in cells.items())
        return f'<row r="{number}" ht="{min(height, TALLEST):.1f}">{written}</row>'

    def _cell(self, key: str, number: int, row: Row) -> tuple[str, str]:
        finding, words = row.finding, self.words
        match key:
            case "number":
                return str(number), "locked"
            case "severity":
                return SEVERITY_WORDS[finding.severity], finding.severity
            case "sheet":
                return finding.at.sheet, "locked"
            case "cell":
                if not finding.at.cell:
                    return words.none, "locked"
                if row.link or self.alone:
                    return finding.at.cell, "locked" if self.alone else "link"
                return words.hidden.format(cell=finding.at.cell), "locked"
            case "message":
                return finding.message + self._others(finding), "text"
            case "status":
                return (STATUS_WORDS[finding.status] if finding.status else words.open.get(finding.severity, "")), "locked"
            case "answer":
                return row.answer, "answer" if finding.severity == "query" else "grey"
            case "decision":
                said = finding.answer if finding.status in ("upheld", "accepted", "dismissed") else ""
                return (said.removeprefix(row.answer).lstrip("；") if row.answer else said), "text"  # the unit's own words stand beside
            case "key":
                return finding.key, "hidden"
        return str(getattr(finding, key)), "text"

    def _others(self, finding: Finding) -> str:
        told = []
        for at in finding.others:
            place = at.cell if at.sheet == finding.at.sheet or not at.sheet else f"{at.sheet}!{at.cell}" if at.cell else at.sheet
            told.append(place if at.file == finding.at.file else f"{at.file} {place}".strip())
        told = [place for place in dict.fromkeys(told) if place]
        return self.words.others.format(places=self.words.between.join(told)) if told else ""

    def _links(self, shown: Sequence[Row]) -> Iterator[str]:
        column = list(self.words.columns).index("cell") if "cell" in self.words.columns else -1
        for number, row in enumerate(shown, self.head + 1):
            if column >= 0 and row.link and not self.alone:
                at = row.finding.at
                place = splice.xml_text(f"{quoted(at.sheet)}!{at.cell}", quoted=True).decode()
                yield f'<hyperlink ref="{column_name(column)}{number}" location="{place}" display="{at.cell}"/>'


def quoted(sheet: str) -> str:
    """Name a sheet as formulas and links do."""
    return "'" + sheet.replace("'", "''") + "'"


def _hidden(key: str) -> str:
    return ' hidden="1"' if key == "key" else ""


def _written(address: str, text: str, style: int, mark: str) -> str:
    if len(text) > TEXT_MOST // 2:
        text = fit_text(text, mark)
    if not text:
        return f'<c r="{address}" s="{style}"/>'
    return f'<c r="{address}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{splice.cell_text(text).decode()}</t></is></c>'


def _lines(text: str, width: float, size: float) -> int:
    """How many lines a text takes in a column: Chinese letters count double, and come whole."""
    fit = max(int(width * 10.5 / size) // 2 * 2, 2)
    return sum(1 + max(int(sum(1 + (ord(c) > 0x2E7F) for c in line) * 1.06) - 1, 0) // fit for line in text.split("\n"))


# --- styles ----------------------------------------------------------------------------------------------------------


def fonts(words: ListWords) -> list[str]:
    """What stands in the style sheet for the list's letters: plain, title, heading, link, unseen."""
    plain = f'<name val="{splice.xml_text(words.font, quoted=True).decode()}"/>'
    size = f'<sz val="{words.size:g}"/>'
    return [
        f"<font>{size}{plain}</font>",
        f'<font><b/><sz val="{words.title_size:g}"/>{plain}</font>',
        f"<font><b/>{size}{plain}</font>",
        f'<font><u/>{size}<color rgb="FF{words.link}"/>{plain}</font>',
    ]


def fills(words: ListWords, tints: Mapping[Severity, str]) -> list[str]:
    """Heading, what cannot be answered and what can, and each severity as in the form."""
    solid = '<fill><patternFill patternType="solid"><fgColor rgb="FF{}"/><bgColor indexed="64"/></patternFill></fill>'
    return [solid.format(colour) for colour in (words.head, words.locked, words.input, *(tints[severity] for severity in SEVERITIES))]


BORDERS = [
    "<border>"
    + "".join(f'<{side} style="thin"><color rgb="FF999999"/></{side}>' for side in ("left", "right", "top", "bottom"))
    + "<diagonal/></border>"
]


def formats(font: int, fill: int, border: int) -> list[str]:
    """The cell styles of `LOOKS`, over the numbers that the first font, fill and border of the list have."""

    def xf(letters: int, shade: int | None, bordered: bool, align: str, open: bool = False) -> str:
        return (
            f'<xf numFmtId="49" fontId="{font + letters}" fillId="{0 if shade is None else fill + shade}" borderId="{border if bordered else 0}" '
            f'xfId="0" applyNumberFormat="1" applyFont="1" applyFill="1" applyBorder="1" applyAlignment="1" applyProtection="1">'
            f'<alignment {align}/><protection locked="{0 if open else 1}"/></xf>'
        )

    top, middle = 'vertical="top" wrapText="1"', 'horizontal="center" vertical="top" wrapText="1"'
    return [
        xf(1, None, False, 'vertical="center"'),
        xf(0, None, False, 'vertical="center"'),
        xf(2, 0, True, 'horizontal="center" vertical="center" wrapText="1"'),
        xf(0, None, True, top),
        xf(3, None, True, middle),
        xf(0, None, True, middle),
        xf(0, 2, True, top, open=True),
        xf(0, 1, True, top),
        xf(0, None, False, top),
        *(xf(0, 3 + n, True, middle) for n in range(len(SEVERITIES))),
    ]


def tint(colour: str) -> str:
    """The differential format of a tint."""
    return f'<dxf><fill><patternFill patternType="solid"><fgColor rgb="FF{colour}"/><bgColor rgb="FF{colour}"/></patternFill></fill></dxf>'
