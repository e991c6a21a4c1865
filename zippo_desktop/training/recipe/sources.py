"""Where the training material comes from: packages pinned by version and by the digest of their file."""

from __future__ import annotations

from zippo_desktop.training.packages import DEBIAN_POOL, NPM_REGISTRY, Package

FURNITURE = Package(
    name="sweethome3d-furniture",
    version="1.8-1",
    file="sweethome3d-furniture_1.8-1_all.deb",
    url=f"{DEBIAN_POOL}/s/sweethome3d-furniture/sweethome3d-furniture_1.8-1_all.deb",
    sha256="3ccb90c63f9525e887a767b9cd5c8b6933b8b6b2973a615a5359ee68a2118668",
    licence="CC0-1.0 and CC-BY-3.0, by collection",
)
EMOJI = Package(
    name="@lobehub/fluent-emoji-3d",
    version="1.1.0",
    file="lobehub-fluent-emoji-3d-1.1.0.tgz",
    url=f"{NPM_REGISTRY}/@lobehub/fluent-emoji-3d/-/fluent-emoji-3d-1.1.0.tgz",
    sha256="c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
    licence="MIT",
)
EMOJI_NAMES = Package(
    name="emojibase-data",
    version="17.0.0",
    file="emojibase-data-17.0.0.tgz",
    url=f"{NPM_REGISTRY}/emojibase-data/-/emojibase-data-17.0.0.tgz",
    sha256="d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a",
    licence="MIT",
)
NOTO = Package(
    name="@iconify-json/noto",
    version="1.2.9",
    file="iconify-json-noto-1.2.9.tgz",
    url=f"{NPM_REGISTRY}/@iconify-json/noto/-/noto-1.2.9.tgz",
    sha256="3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad",
    licence="Apache-2.0",
)
OPENCLIPART = Package(
    name="openclipart-svg",
    version="0.18",
    file="openclipart-svg_0.18+dfsg-19_all.deb",
    url=f"{DEBIAN_POOL}/o/openclipart/openclipart-svg_0.18+dfsg-19_all.deb",
    sha256="989712d90d57dfa3230049f553bb43b76c30ee4d4b8c5f6e106e33f7db5cbdc5",
    licence="public-domain dedication by uploaders",
)
PANORAMAS = Package(
    name="@pmndrs/assets",
    version="1.7.0",
    file="pmndrs-assets-1.7.0.tgz",
    url=f"{NPM_REGISTRY}/@pmndrs/assets/-/assets-1.7.0.tgz",
    sha256="152bd218a3390703f184f0c6ce16e73c8f0a87f32d38530d418a09d33d8208dc",
    licence="CC0-1.0",
)
PHOTOGRAPHS = Package(
    name="budgie-backgrounds",
    version="3.0-2",
    file="budgie-backgrounds_3.0-2_all.deb",
    url=f"{DEBIAN_POOL}/b/budgie-backgrounds/budgie-backgrounds_3.0-2_all.deb",
    sha256="ccff65e46c3c060864ea077557fb2118e0fedd4d322ee0b344741cdea75e232d",
    licence="CC0-1.0",
)
