"""Prompts to token ids with the `tokenizers` library alone, as the text encoder was trained on them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.errors import ModelError

Ids = NDArray[np.int64]
_PAD_FILES = ("tokenizer_config.json", "special_tokens_map.json")


class PromptTokenizer:
    """Prompts to ids and attention mask, each [N,L] int64: cut at L tokens, padded to L."""

    def __init__(self, folder: Path, length: int) -> None:
        """Read `folder`/tokenizer.json; raises `ModelError` if it is missing or broken."""
        from tokenizers import Tokenizer

        path = folder / "tokenizer.json"
        if not path.is_file():
            raise ModelError(f"{path} is missing.", "Copy or download the model again.")
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the one class that tokenizers raises
            raise ModelError(f"{path} is no readable tokenizer ({error}).") from error
        pad_token, pad_id = self._pad(folder)
        self._tokenizer.enable_truncation(length)
        self._tokenizer.enable_padding(pad_id=pad_id, pad_token=pad_token, length=length)

    def __call__(self, prompts: Sequence[str]) -> tuple[Ids, Ids]:
        """Token ids and attention mask (1 for a token, 0 for padding)."""
        encodings = self._tokenizer.encode_batch(list(prompts))
        ids = np.array([encoding.ids for encoding in encodings], np.int64)
        mask = np.array([encoding.attention_mask for encoding in encodings], np.int64)
        return ids, mask

    def _pad(self, folder: Path) -> tuple[str, int]:
        """The padding token and its id, as the files beside the tokenizer name it; "[PAD]" if they do not."""
        token = next(filter(None, (_named_pad(folder / name) for name in _PAD_FILES)), "[PAD]")
        pad_id = self._tokenizer.token_to_id(token)
        if pad_id is None:
            raise ModelError(f"{folder}: the padding token {token} is not in the vocabulary.")
        return token, pad_id


def _named_pad(path: Path) -> str | None:
    """The `pad_token` of one of transformers' tokenizer files, which write it as text or as an object."""
    try:
        named = json.loads(path.read_text("utf-8")).get("pad_token")
    except (OSError, ValueError, AttributeError):
        return None
    return named.get("content") if isinstance(named, dict) else named
