"""What runs inside Blender's own Python: `python -m blender.render JOB.json`.

It imports nothing but this folder, and the rest of the program never imports it. Blender's module is looked
up by name at run time, because it is installed in an environment of its own, not in the program's.
"""

from __future__ import annotations

import importlib
from typing import Any

BLENDER = "bpy"
bpy: Any = importlib.import_module(BLENDER)
