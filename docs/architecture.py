"""Draw the picture in architecture.md from the imports as they are.

    python docs/architecture.py            writes it
    python docs/architecture.py --check    fails if it is not that of the code

An arrow says that something in one folder imports something in the other. Arrows that follow from others are left out.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import grimp

PAGE = Path(__file__).with_name("architecture.md")
ROOTS = ("bot", "classifiers")
_SHARED = "reactions"
_FEATURES = sorted({cog.parent.name for cog in PAGE.parents[1].glob("bot/*/cog.py")} - {_SHARED})
FEATURES = "bot.features"
"""One box for the folders of the features, which do not import each other. Reactions have a cog, too, but some of the
features import them."""

_ROOMS = ("cli", "exercises", "nn", "study", "training")
_PICTURE = re.compile(r"(?<=```mermaid\n).*?(?=```)", re.DOTALL)


def folders() -> dict[str, set[str]]:
    """Return which parts each part imports."""
    graph = grimp.build_graph(*ROOTS, exclude_type_checking_imports=True, cache_dir=None)
    parts = {module: _part(module) for module in graph.modules if module != "bot"}
    imports: dict[str, set[str]] = {part: set() for part in sorted(parts.values())}
    for module, part in parts.items():
        targets = {_part(target) for target in graph.find_modules_directly_imported_by(module)}
        imports[part] |= targets - {part}
    return imports


def _part(module: str) -> str:
    """Return what stands for a module in the picture: a module or folder of the bot, a folder of the classifiers."""
    root, _, rest = module.partition(".")
    name = rest.partition(".")[0]
    if root == "bot":
        return FEATURES if name in _FEATURES else f"bot.{name}"
    return f"classifiers.{name}" if name in _ROOMS else "classifiers"


def without_detours(imports: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Return the arrows that do not follow from others; those between parts that import each other all stay."""
    reached = {part: _reached(part, imports) for part in imports}
    return {
        part: {
            target
            for target in targets
            if not any(target in reached[other] and part not in reached[other] for other in targets - {target})
        }
        for part, targets in imports.items()
    }


def _reached(part: str, imports: Mapping[str, set[str]]) -> set[str]:
    """Return all parts to which arrows lead from a part, over others as well."""
    reached: set[str] = set()
    waiting = [part]
    while waiting:
        new = imports[waiting.pop()] - reached
        reached |= new
        waiting += new
    return reached


def picture(imports: Mapping[str, set[str]]) -> str:
    """Return the Mermaid source of the picture."""
    lines = ["flowchart TD"]
    for root in ROOTS:
        lines.append(f"    subgraph {root}/")
        lines += [f"        {_name(part)}[{_title(part)}]" for part in imports if part.split(".")[0] == root]
        lines.append("    end")
    arrows = without_detours(imports)
    lines += [f"    {_name(part)} --> {_name(to)}" for part, targets in arrows.items() for to in sorted(targets)]
    return "\n".join(lines) + "\n"


def _name(part: str) -> str:
    return f"{part.replace('.', '_')}_"  # "end" and the like are words of Mermaid's own


def _title(part: str) -> str:
    return ", ".join(_FEATURES) if part == FEATURES else part.removeprefix("bot.")


def main() -> int:
    """Write the picture, or with --check return 1 if it has to be written anew."""
    parser = argparse.ArgumentParser(description="Draw the picture in architecture.md from the imports.")
    parser.add_argument("--check", action="store_true", help="write nothing, and fail if the picture is not the code's")
    check = parser.parse_args().check
    page = PAGE.read_text(encoding="utf-8")
    drawn = _PICTURE.sub(lambda _: picture(folders()), page)
    if check and drawn != page:
        print("The picture in docs/architecture.md is not that of the code: run `python docs/architecture.py`.")
        return 1
    if not check:
        PAGE.write_text(drawn, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
