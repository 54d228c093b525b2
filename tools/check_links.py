"""Checks that every relative link and anchor in the Markdown files leads somewhere; fetches nothing."""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from tools.tracked import ROOT, tracked_files

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,}).*?^ {0,3}\1[`~]*[ \t]*$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)
INLINE_LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+[\"'(][^\n]*?[\"')])?\s*\)")
REFERENCE = re.compile(r"^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?\s*$", re.MULTILINE)
HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.+?)[ \t]*#*[ \t]*$", re.MULTILINE)
HTML_ID = re.compile(r"<[^>]+\s(?:id|name)=[\"']([^\"']+)[\"']")
EXTERNAL = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)


def broken_links(document: Path) -> Iterator[str]:
    """Yield one line per link of a document that leads nowhere."""
    text = CODE.sub("", FENCE.sub("", document.read_text()))
    for target in INLINE_LINK.findall(text) + REFERENCE.findall(text):
        if EXTERNAL.match(target):
            continue
        name, _, anchor = unquote(target).partition("#")
        base = ROOT if name.startswith("/") else document.parent
        file = base / name.lstrip("/") if name else document
        if not file.exists():
            yield f"{document}: {target}: no such file"
        elif anchor and file.suffix == ".md" and anchor not in anchors(file):
            yield f"{document}: {target}: no such heading"


@cache
def anchors(document: Path) -> frozenset[str]:
    """Return the anchors of a document, as GitHub makes them of headings; a repeated one gets -1, -2, ..."""
    text = FENCE.sub("", document.read_text())
    seen: Counter[str] = Counter()
    found = set(HTML_ID.findall(text))
    for heading in HEADING.findall(text):
        slug = slugify(heading)
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return frozenset(found)


def slugify(heading: str) -> str:
    """Return the anchor of a heading: link targets, markup and punctuation dropped, blanks to hyphens, lower case."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", text).strip().lower().replace(" ", "-")


def main() -> int:
    """Check all documents; return the exit code."""
    documents = tracked_files("*.md")
    found = [line for document in documents for line in broken_links(document)]
    for line in found:
        print(line, file=sys.stderr)
    print(f"links: {len(documents)} documents, {len(found)} broken")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
