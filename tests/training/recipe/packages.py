"""Small packages like those of the registries, and works like those of the recipe."""

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

from zippo_desktop.training.packages import Package
from zippo_desktop.training.recipe.works import CUTOUTS, Work

CATALOGUE = """
id=Some collection
name#1=Fauteuil \u00e9l\u00e9gant
category#1=Living room
creator#1=Ann
tags#1=Seat, Old
model#1=/pack/chair/chair.obj
width#1=60
depth#1=70
height#1=80.5
doorOrWindow#1=false
modelRotation#1=1 0 0 0 0 1 0 -1 0
name#2=Screen door
category#2=Doors and windows
creator#2=Ann
model#2=/pack/door/door.obj
width#2=1
depth#2=1
height#2=1
doorOrWindow#2=true
name#3=Apple iPhone
category#3=Miscellaneous
creator#3=Bob
model#3=/pack/phone/phone.obj
width#3=1
depth#3=1
height#3=1
doorOrWindow#3=false
name#4=Headphones
category#4=Miscellaneous
creator#4=Bob
model#4=/pack/headphones/headphones.obj
width#4=1
depth#4=1
height#4=1
doorOrWindow#4=false
"""


def write_collection(folder: Path) -> Path:
    path = folder / "Scopia.sh3f"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("PluginFurnitureCatalog.properties", CATALOGUE.encode("latin-1"))
        archive.writestr("pack/chair/chair.obj", "v 0 0 0\n")
        archive.writestr("pack/chair/chair.mtl", "")
        archive.writestr("pack/door/door.obj", "")
    return path


def tar_bytes(files: dict[str, bytes], mode: str) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode=mode) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return content.getvalue()


def deb_bytes(files: dict[str, bytes]) -> bytes:
    content = b"!<arch>\n"
    members = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", "data.tar.xz": tar_bytes(files, "w:xz")}
    for name, data in members.items():
        content += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode()
        content += data + b"\n" * (len(data) % 2)
    return content


def source_of(file: str, content: bytes) -> Package:
    digest = hashlib.sha256(content).hexdigest()
    return Package("toy", "1.0", file, "http://127.0.0.1:9/nothing", digest, "MIT")


def a_work(model: str = "0001", **changes: object) -> Work:
    values = {
        "source": "fur",
        "folder": CUTOUTS,
        "kind": "fur",
        "name": "teddy bear",
        "category": "Fur and hair",
        "creator": "procedural",
        "licence": "CC0-1.0",
        "pack": "fur",
        "model": model,
        "views": 2,
    }
    return Work(**(values | changes))
