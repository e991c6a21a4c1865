import json
from pathlib import Path

from zippo_desktop.training.recipe.drawings import noto, openclipart

CLIP = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>{title}</dc:title>
 <dc:subject><rdf:Bag><rdf:li>fruit</rdf:li></rdf:Bag></dc:subject>{rights}</metadata></svg>"""


def test_noto_gives_things_with_their_names_and_tags(tmp_path: Path):
    icons = {"red-apple": {"body": "<path/>"}, "flag": {"body": ""}, "old": {"body": "", "hidden": True}}
    names = [
        {"hexcode": "1F34E", "label": "red apple", "group": 4, "tags": ["fruit"]},
        {"hexcode": "1F1E6", "label": "flag", "group": 9},
        {"hexcode": "1F34F", "label": "green apple", "group": 4},
    ]
    files = {
        "icons.json": {"icons": icons, "width": 128, "height": 128},
        "chars.json": {"1f34e": "red-apple", "1f1e6": "flag", "1f34f": "old"},
        "names.json": names,
    }
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")

    found = list(noto(tmp_path, tmp_path / "names.json"))

    assert [(work.name, work.tags, work.licence) for work in found] == [
        ("red apple", ("fruit",), "Apache-2.0")
    ]
    assert 'viewBox="0 0 128 128"' in found[0].svg
    assert "<path/>" in found[0].svg


def test_clip_art_needs_a_dedication_a_plain_title_and_no_trademark(tmp_path: Path):
    folder = tmp_path / "svg/food"
    folder.mkdir(parents=True)
    clips = {
        "apple": ("Red Apple", "publicdomain"),
        "pear": ("Pear", "all rights reserved"),
        "junk": ("IMG_0123", "publicdomain"),
        "cola": ("Coca can", "publicdomain"),
    }
    for name, (title, rights) in clips.items():
        (folder / f"{name}.svg").write_text(CLIP.format(title=title, rights=rights), encoding="utf-8")
    (folder / "torn.svg").write_text("<svg publicdomain", encoding="utf-8")

    found = list(openclipart(tmp_path))

    assert [(work.name, work.category, work.tags) for work in found] == [("red apple", "food", ("fruit",))]
