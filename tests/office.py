"""Runs inside the Python that knows LibreOffice: carries out recorded jobs on one running office. No imports of the project.

    python office.py jobs.json work-folder

A job is {"source": path, "steps": [[verb, …], …], "target": path}. Rows and columns count from zero.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import uno
from com.sun.star.beans import PropertyValue
from com.sun.star.sheet.CellInsertMode import RIGHT
from com.sun.star.table import CellRangeAddress

TRIES = 5
FILTERS = {".xlsx": "Calc MS Excel 2007 XML", ".xls": "MS Excel 97", ".ods": "calc8"}


def properties(**named):
    return tuple(PropertyValue(Name=name, Value=value) for name, value in named.items())


def start(folder):
    pipe = f"drift{os.getpid()}{time.monotonic_ns()}"
    profile = uno.systemPathToFileUrl(str(folder / "profile"))
    server = subprocess.Popen(
        ["soffice", f"-env:UserInstallation={profile}", "--headless", "--norestore", "--nologo", "--nolockcheck", f"--accept=pipe,name={pipe};urp;"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
    for _ in range(240):
        try:
            context = resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
            return server, context.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", context)
        except Exception:
            time.sleep(0.25)
    raise SystemExit("the office did not answer")


class Job:
    def __init__(self, desktop, source):
        self.desktop = desktop
        self.doc = self.open(source)
        for i in range(self.doc.Sheets.Count):
            self.doc.Sheets.getByIndex(i).unprotect("")

    def open(self, path):
        return self.desktop.loadComponentFromURL(uno.systemPathToFileUrl(path), "_blank", 0, properties(Hidden=True))

    def sheet(self, name):
        return self.doc.Sheets.getByName(name)

    def range(self, name, top, left, bottom, right):
        return self.sheet(name).getCellRangeByPosition(left, top, right, bottom)

    def address(self, name, top, left, bottom, right):
        return CellRangeAddress(self.sheet(name).RangeAddress.Sheet, left, top, right, bottom)

    def insert_rows(self, name, row, count):
        self.sheet(name).Rows.insertByIndex(row, count)

    def delete_rows(self, name, row, count):
        self.sheet(name).Rows.removeByIndex(row, count)

    def insert_columns(self, name, col, count):
        self.sheet(name).Columns.insertByIndex(col, count)

    def delete_columns(self, name, col, count):
        self.sheet(name).Columns.removeByIndex(col, count)

    def type(self, name, row, col, text):
        cell = self.sheet(name).getCellByPosition(col, row)
        if text.startswith("="):
            cell.setFormula(text)
        else:
            cell.setString(text)

    def clear(self, name, top, left, bottom, right):
        self.range(name, top, left, bottom, right).clearContents(1 | 2 | 4 | 16)

    def move(self, name, top, left, bottom, right, to_row, to_col):
        """Cut and paste."""
        sheet = self.sheet(name)
        sheet.moveRange(sheet.getCellByPosition(to_col, to_row).CellAddress, self.address(name, top, left, bottom, right))

    def shift_right(self, name, row, col):
        self.sheet(name).insertCells(self.address(name, row, col, row, col), RIGHT)

    def separate(self, name, top, left, bottom, right):
        self.range(name, top, left, bottom, right).merge(False)

    def copy(self, name, top, left, bottom, right, to_row, to_col):
        sheet = self.sheet(name)
        sheet.copyRange(sheet.getCellByPosition(to_col, to_row).CellAddress, self.address(name, top, left, bottom, right))

    def unmerge(self, name):
        cursor = self.sheet(name).createCursor()
        cursor.gotoEndOfUsedArea(False)
        end = cursor.RangeAddress
        self.range(name, 0, 0, end.EndRow, end.EndColumn).merge(False)

    def lose_names(self):
        for holder in (self.doc, *(self.doc.Sheets.getByIndex(i) for i in range(self.doc.Sheets.Count))):
            names = holder.NamedRanges
            for one in names.ElementNames:
                names.removeByName(one)

    def copy_sheet(self, name, new, position):
        self.doc.Sheets.copyByName(name, new, position)

    def delete_sheet(self, name):
        self.doc.Sheets.removeByName(name)

    def rename(self, name, new):
        self.sheet(name).Name = new

    def into_new_book(self, *names):
        """Copy sheets into a workbook of their own and go on there."""
        old = self.doc
        self.doc = self.desktop.loadComponentFromURL("private:factory/scalc", "_blank", 0, properties(Hidden=True))
        first = self.doc.Sheets.ElementNames
        for i, name in enumerate(names):
            self.doc.Sheets.importSheet(old, name, i)
        for name in first:
            self.doc.Sheets.removeByName(name)
        old.close(True)

    def resave(self, path):
        """Save and open again: what a format cannot hold is gone."""
        self.save(path)
        self.doc.close(True)
        self.doc = self.open(path)

    def save(self, path):
        self.doc.storeToURL(uno.systemPathToFileUrl(path), properties(FilterName=FILTERS[pathlib.Path(path).suffix]))


def carry_out(desktop, job):
    one = Job(desktop, job["source"])
    for verb, *words in job["steps"]:
        getattr(one, verb)(*words)
    one.save(job["target"])
    one.doc.close(True)


def stop(server, desktop):
    try:
        desktop.terminate()
    except Exception:
        server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def main(jobs, folder):
    folder = pathlib.Path(folder).resolve()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to stop"))  # so that the office does not stay behind
    server, desktop = start(folder)
    try:
        for job in json.loads(pathlib.Path(jobs).read_text(encoding="utf-8")):
            for left in reversed(range(TRIES)):
                try:
                    carry_out(desktop, job)
                    break
                except Exception as error:  # it stumbles once in some hundred documents, on a busy machine twice in a row
                    if not left:
                        raise
                    sys.stderr.write(f"once more: {job['target']}: {error}\n")
                    stop(server, desktop)
                    server, desktop = start(folder)
    finally:
        stop(server, desktop)


if __name__ == "__main__":
    main(*sys.argv[1:])
