"""What threads of a pool leave unsaid: an error that nobody asks a future for."""

from __future__ import annotations

import logging
from concurrent.futures import Future

logger = logging.getLogger(__name__)


def log_failure(future: Future[None]) -> None:
    """Write an unexpected error of a pool's thread to the log; for `Future.add_done_callback`."""
    error = None if future.cancelled() else future.exception()
    if error:
        logger.error("Unexpected error in a thread", exc_info=error)
