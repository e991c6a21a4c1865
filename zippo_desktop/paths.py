"""Where the program finds its own resources and keeps settings, jobs, models, caches and logs.

Nothing is created here: whoever writes a file makes its folder.
"""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import PlatformDirs

HOME_VARIABLE = "ZIPPO_DESKTOP_HOME"
_PACKAGE_DIR = Path(__file__).resolve().parent
_PLATFORM_DIRS = PlatformDirs("zippo-desktop", appauthor=False)


def resource_dir() -> Path:
    """Samples, bundled models and the like: inside the package in a wheel, beside it in a source tree."""
    packaged = _PACKAGE_DIR / "_resources"
    return packaged if packaged.is_dir() else _PACKAGE_DIR.parent / "resources"


def settings_path() -> Path:
    """The settings file."""
    return _home("", _PLATFORM_DIRS.user_config_path) / "settings.json"


def presets_dir() -> Path:
    """The person's own presets, one TOML file each."""
    return _home("", _PLATFORM_DIRS.user_config_path) / "presets"


def jobs_dir() -> Path:
    """One folder for each job, with its options and journal."""
    return _home("", _PLATFORM_DIRS.user_data_path) / "jobs"


def models_dir() -> Path:
    """Models that the user has added to the bundled ones."""
    return _home("", _PLATFORM_DIRS.user_data_path) / "models"


def cache_dir() -> Path:
    """What can be deleted at any time and is made again, such as TensorRT engines."""
    return _home("cache", _PLATFORM_DIRS.user_cache_path)


def log_dir() -> Path:
    """The log files."""
    return _home("logs", _PLATFORM_DIRS.user_log_path)


def _home(name: str, platform_dir: Path) -> Path:
    """`name` in the folder that ZIPPO_DESKTOP_HOME names; without it, the platform's own folder."""
    home = os.environ.get(HOME_VARIABLE)
    return Path(home).expanduser().absolute() / name if home else platform_dir
