"""File names for units and departments: safe on every system, sorted as the bureau sorts, and no two ever the same.

Only the key (a code, or the name where there is none) makes a name unique; words behind it are for people. A key that some file
system could take for another one, or that had to be changed, is told apart by a hash. So a name never depends on the other units.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

MOST = 150  # bytes of a name without its ending: file systems hold 255, paths on Windows 260 letters
KEY_MOST = 60
WIDE = str.maketrans('<>:"/\\|?*', "＜＞：＂／＼｜？＊")  # what Windows forbids, as people still read it
RESERVED = re.compile(r"(?i)(?:CON|PRN|AUX|NUL|CLOCK\$|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³])(?:\..*)?")


def safe_stem(key: str, words: str = "") -> str:
    """A file's name without its ending. Different keys give different names, whatever the words, also where letter case and the
    way of composing letters do not count."""
    shown = _safe(key)
    plain = shown == key == key.upper() and "_" not in key and len(key.encode()) <= KEY_MOST and key == unicodedata.normalize("NFKC", key)
    tail = "" if plain else "~" + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    stem = shown if plain else cut(shown, KEY_MOST)
    if words and (decoration := cut(_safe(words), MOST - len(stem.encode()) - len(tail) - 1)):
        stem += f"_{decoration}"
    return stem + tail


def _safe(text: str) -> str:
    return safe_name(text.replace("~", "～"))  # ~ is ours


def safe_name(text: str) -> str:
    """Text that any file system takes for one name, and that hides nothing."""
    text = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode()).translate(WIDE)
    text = "".join(" " if ch.isspace() else ch for ch in text if ch.isspace() or unicodedata.category(ch)[0] != "C")
    text = text.strip(". ")
    return f"＿{text}" if not text or RESERVED.fullmatch(text) else text


def cut(text: str, most: int) -> str:
    return text.encode()[: max(most, 0)].decode("utf-8", "ignore").rstrip(". ")
