"""OpenCV's GrabCut, told only that the subject lies within a border.

Rother et al. 2004: "GrabCut: interactive foreground extraction using iterated graph cuts", SIGGRAPH.
"""

from __future__ import annotations

import time

import cv2
import numpy as np

from zippo_desktop.training.peers.peer import Image, Matte, to_bytes

BORDER = 0.03  # of each side; outside the box everything is background
ITERATIONS = 5


class GrabCut:
    """Needs nothing but OpenCV; its mattes are hard."""

    name = "grabcut"

    @property
    def version(self) -> str:
        """OpenCV's version and the settings here."""
        return f"opencv-{cv2.__version__}-border{BORDER}-iterations{ITERATIONS}"

    def matte(self, image: Image) -> Matte:
        """See `Peer.matte`. The same picture gives the same matte: the mixture's start is seeded."""
        height, width = image.shape[:2]
        left, top = max(1, round(BORDER * width)), max(1, round(BORDER * height))
        box = (left, top, max(1, width - 2 * left), max(1, height - 2 * top))
        mask = np.zeros((height, width), np.uint8)
        models = np.zeros((2, 1, 65))
        cv2.setRNGSeed(0)
        bgr = cv2.cvtColor(to_bytes(image), cv2.COLOR_RGB2BGR)
        cv2.grabCut(bgr, mask, box, models[0], models[1], ITERATIONS, cv2.GC_INIT_WITH_RECT)
        return np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)

    def cpu_s(self) -> float:
        """See `Peer.cpu_s`."""
        return time.process_time()

    def close(self) -> None:
        """Nothing is held."""
