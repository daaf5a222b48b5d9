"""Puts the built front end into wheels and source archives.

An editable install takes no part in it: `scripts/` builds the front end and links it, so that
``pip install -e .`` needs no Node. A source archive holds the built files, so that installing
from it needs no Node either. Only a build from a checkout runs npm.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LABEXTENSION = "synetune_lab/labextension"
OUTPUTS = ("synetune_lab/static/widget.js", f"{LABEXTENSION}/package.json")
NOTEBOOKS = "notebooks"


class FrontEndHook(BuildHookInterface[Any]):
    """Builds what is missing, then names the files that the archive takes along."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Prepare one archive; `version` is "standard" or "editable"."""
        if version == "editable":
            return
        root = Path(self.root)
        if not (root / "PKG-INFO").exists():  # a checkout, not an unpacked source archive
            self._build_front_end(root)
        missing = [name for name in OUTPUTS if not (root / name).exists()]
        if missing:
            raise SystemExit(
                f"The front end is not built ({', '.join(missing)} missing). Building it needs "
                "Node 20 or newer with npm on the PATH; a wheel or source archive of a release "
                "needs neither.",
            )
        build_data["artifacts"].append("synetune_lab/static/**")
        if self.target_name == "sdist":
            build_data["artifacts"].append(f"{LABEXTENSION}/**")
        else:  # a wheel holds it once, where JupyterLab looks for it
            build_data["shared_data"] = {
                LABEXTENSION: "share/jupyter/labextensions/synetune-lab",
                "install.json": "share/jupyter/labextensions/synetune-lab/install.json",
            }
            for notebook in sorted((root / NOTEBOOKS).glob("*.ipynb")):
                build_data["force_include"][str(notebook)] = (
                    f"synetune_lab/{NOTEBOOKS}/{notebook.name}"
                )

    def _build_front_end(self, root: Path) -> None:
        npm = shutil.which("npm")
        if npm is None:
            return  # use what an earlier build left, if it did
        if not (root / "node_modules").exists():
            self.app.display_info("Installing the npm packages")
            subprocess.run([npm, "ci"], cwd=root, check=True)
        self.app.display_info("Building the front end")
        subprocess.run([npm, "run", "build"], cwd=root, check=True)
