"""A folder for a machine without the internet: wheels for its systems, scripts to install and to drop folders on, a guide.

Words and scripts stand in `templates/bundle/`. Scripts for Windows are written in GBK with CRLF, as its command line reads them.
"""

from __future__ import annotations

import email
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import requires
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from xlgoals import __version__
from xlgoals.errors import UsageError
from xlgoals.spec import data_folder

PLATFORMS: Mapping[str, tuple[str, ...]] = {  # name -> the tags its wheels may bear; glibc 2.28 is what 麒麟 V10 and UOS 20 have
    "win_amd64": ("win_amd64",),
    "linux_x86_64": ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
    "linux_aarch64": ("manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64"),
}
PLATFORM_WORDS = {"win_amd64": "Windows 64 位", "linux_x86_64": "麒麟、UOS（x86）", "linux_aarch64": "麒麟、UOS（ARM）"}
PYTHONS = ("3.11", "3.12", "3.13")


def bundle(
    folder: Path, platforms: Iterable[str], pythons: Iterable[str], commands: Mapping[str, str], tell: Callable[[str], None] = lambda _: None
) -> int:
    """Fill an empty folder; the number of wheels in it. Needs a checkout, pip, and a package index or --find-links set for pip.

    `commands`: name -> what it does, for the guide. Raises UsageError where there is no checkout or a wheel cannot be had.
    """
    root = data_folder("templates").parent
    if not (root / "pyproject.toml").is_file():
        raise UsageError("制作安装文件夹要在代码目录里运行（需要 pyproject.toml）。")
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    tell("xlgoals")
    _pip("wheel", "--no-deps", "--wheel-dir", str(wheels), str(root))
    chosen, versions = list(platforms), list(pythons)
    for platform in chosen:
        for python in versions:
            tell(f"{platform} Python {python}")
            _download(wheels, platform, python)
    words = {
        "version": __version__, "pythons": "、".join(versions), "platforms": "、".join(PLATFORM_WORDS[one] for one in chosen),
        "commands": " ".join(f"python{one}" for one in versions), "commands_help": "\n".join(f"xlgoals {name:12} {told}" for name, told in commands.items()),
    }  # fmt: skip
    for source in sorted((data_folder("templates") / "bundle").iterdir()):
        _write(folder / source.name, source.read_text(encoding="utf-8"), words)
    return len(list(wheels.iterdir()))


def _write(path: Path, text: str, words: Mapping[str, str]) -> None:
    windows = path.suffix == ".cmd"
    told = {**words, "pythons": words["pythons"].replace("、", " ")} if windows else words
    for name, word in told.items():
        text = text.replace("{" + name + "}", word)
    path.write_text(text, encoding="gbk" if windows else "utf-8", newline="\r\n" if windows else "\n")
    if path.suffix == ".sh":
        path.chmod(0o755)


def _download(wheels: Path, platform: str, python: str) -> None:
    """All wheels that a platform needs. pip asks the markers of this machine, so what only that platform needs is asked for by name."""
    environment = {name: str(value) for name, value in default_environment().items()} | _environment(platform, python)
    asked: dict[str, Requirement] = {}
    new = [one for one in map(Requirement, requires("xlgoals") or ()) if not one.marker or one.marker.evaluate({**environment, "extra": ""})]
    while new:
        for one in new:
            asked[canonicalize_name(one.name)] = one
        tags = [part for tag in PLATFORMS[platform] for part in ("--platform", tag)]
        plain = [f"{one.name}[{','.join(sorted(one.extras))}]{one.specifier}" if one.extras else f"{one.name}{one.specifier}" for one in asked.values()]
        _pip("download", "--dest", str(wheels), "--only-binary=:all:", "--python-version", python, *tags, *plain)
        held = {canonicalize_name(parse_wheel_filename(path.name)[0]): path for path in wheels.glob("*.whl")}
        needed = [one for path in held.values() for one in _needs(path, environment)]
        new = [one for one in needed if canonicalize_name(one.name) not in {*held, *asked}]


def _environment(platform: str, python: str) -> dict[str, str]:
    windows = platform.startswith("win")
    return {
        "sys_platform": "win32" if windows else "linux", "platform_system": "Windows" if windows else "Linux",
        "os_name": "nt" if windows else "posix", "platform_machine": "AMD64" if windows else platform.partition("_")[2],
        "python_version": python, "python_full_version": f"{python}.0",
    }  # fmt: skip


def _needs(wheel: Path, environment: Mapping[str, str]) -> list[Requirement]:
    """What a wheel requires on a platform, without extras."""
    with zipfile.ZipFile(wheel) as package:
        name = next(one for one in package.namelist() if one.endswith(".dist-info/METADATA"))
        told = email.message_from_bytes(package.read(name)).get_all("Requires-Dist", [])
    every = [Requirement(one) for one in told]
    return [one for one in every if not one.marker or one.marker.evaluate({**environment, "extra": ""})]


def _pip(*words: str) -> None:
    run = subprocess.run([sys.executable, "-m", "pip", words[0], "--quiet", "--disable-pip-version-check", *words[1:]], capture_output=True, text=True, check=False)
    if run.returncode:
        raise UsageError(f"pip {words[0]} 没有成功，请在能访问软件源的机器上运行：\n{run.stderr.strip()[-2000:]}")
