"""Draw the diagram in architecture.md from the imports in the code.

    python docs/architecture.py            update the diagram
    python docs/architecture.py --check    fail if it is out of date

An arrow means that a module in one folder imports a module in the other. Arrows that follow from others are left out.
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
"""One box for the folders of all features, which do not import each other. Reactions are not among them, although they
have a cog, because some features import them."""

_FOLDERS = ("cli", "exercises", "nn", "study", "training")
_DIAGRAM = re.compile(r"(?<=```mermaid\n).*?(?=```)", re.DOTALL)


def folders() -> dict[str, set[str]]:
    """Return the parts that each part imports."""
    graph = grimp.build_graph(*ROOTS, exclude_type_checking_imports=True, cache_dir=None)
    parts = {module: _part(module) for module in graph.modules if module != "bot"}
    imports: dict[str, set[str]] = {part: set() for part in sorted(parts.values())}
    for module, part in parts.items():
        targets = {_part(target) for target in graph.find_modules_directly_imported_by(module)}
        imports[part] |= targets - {part}
    return imports


def _part(module: str) -> str:
    """Return the part of the diagram to which a module belongs."""
    root, _, rest = module.partition(".")
    name = rest.partition(".")[0]
    if root == "bot":
        return FEATURES if name in _FEATURES else f"bot.{name}"
    return f"classifiers.{name}" if name in _FOLDERS else "classifiers"


def transitive_reduction(imports: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Return the arrows that do not follow from others; all arrows between parts in an import cycle are kept."""
    reachable = {part: _reachable(part, imports) for part in imports}
    return {
        part: {
            target
            for target in targets
            if not any(target in reachable[other] and part not in reachable[other] for other in targets - {target})
        }
        for part, targets in imports.items()
    }


def _reachable(part: str, imports: Mapping[str, set[str]]) -> set[str]:
    """Return all parts that a part imports, directly or indirectly."""
    reachable: set[str] = set()
    waiting = [part]
    while waiting:
        new = imports[waiting.pop()] - reachable
        reachable |= new
        waiting += new
    return reachable


def diagram(imports: Mapping[str, set[str]]) -> str:
    """Return the Mermaid source of the diagram."""
    lines = ["flowchart TD"]
    for root in ROOTS:
        lines.append(f"    subgraph {root}/")
        lines += [f"        {_name(part)}[{_title(part)}]" for part in imports if part.split(".")[0] == root]
        lines.append("    end")
    arrows = transitive_reduction(imports)
    lines += [f"    {_name(part)} --> {_name(to)}" for part, targets in arrows.items() for to in sorted(targets)]
    return "\n".join(lines) + "\n"


def _name(part: str) -> str:
    return f"{part.replace('.', '_')}_"  # the underscore avoids Mermaid's keywords, such as "end"


def _title(part: str) -> str:
    return ", ".join(_FEATURES) if part == FEATURES else part.removeprefix("bot.")


def main() -> int:
    """Update the diagram, or with --check return 1 if it is out of date."""
    parser = argparse.ArgumentParser(description="Draw the diagram in architecture.md from the imports in the code.")
    parser.add_argument("--check", action="store_true", help="write nothing, and fail if the diagram is out of date")
    check = parser.parse_args().check
    page = PAGE.read_text(encoding="utf-8")
    drawn = _DIAGRAM.sub(lambda _: diagram(folders()), page)
    if check and drawn != page:
        print("The diagram in docs/architecture.md is out of date: run `python docs/architecture.py`.")
        return 1
    if not check:
        PAGE.write_text(drawn, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
