"""The files of this repository: what git tracks, or would if it were added."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def tracked_files(pattern: str = "*") -> list[Path]:
    """Return the files whose name matches a git pathspec, ignored ones left out."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", pattern],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [path for name in sorted(listing.split("\0")) if name and (path := ROOT / name).is_file()]
