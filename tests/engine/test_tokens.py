"""Ids and masks are those of transformers, cut and padded to the model's length."""

import numpy as np
import pytest

from tests.tiny_models import write_clip_tokenizer, write_json, write_word_tokenizer
from zippo_desktop.engine.tokens import PromptTokenizer
from zippo_desktop.errors import ModelError

PROMPTS = ["", "a red apple", "A  Red\nApples!", "naïve 🍎", "chair " * 50]


def test_word_pieces_with_padding_and_mask(tmp_path):
    write_word_tokenizer(tmp_path)
    ids, mask = PromptTokenizer(tmp_path, 6)(["a red apples", ""])
    np.testing.assert_array_equal(ids, [[2, 4, 5, 6, 11, 3], [2, 3, 0, 0, 0, 0]])
    np.testing.assert_array_equal(mask, [[1, 1, 1, 1, 1, 1], [1, 1, 0, 0, 0, 0]])
    assert ids.dtype == mask.dtype == np.int64


def test_a_long_prompt_is_cut_but_keeps_its_end_token(tmp_path):
    write_word_tokenizer(tmp_path)
    ids, mask = PromptTokenizer(tmp_path, 5)(["a red apple potted plant"])
    np.testing.assert_array_equal(ids, [[2, 4, 5, 6, 3]])
    assert mask.all()


def test_clip_ids_and_masks_are_those_of_transformers(tmp_path):
    from transformers import CLIPTokenizerFast

    write_clip_tokenizer(tmp_path)
    theirs = CLIPTokenizerFast.from_pretrained(tmp_path)
    theirs.backend_tokenizer.save(str(tmp_path / "tokenizer.json"))
    expected = theirs(PROMPTS, padding="max_length", max_length=20, truncation=True, return_tensors="np")
    ids, mask = PromptTokenizer(tmp_path, 20)(PROMPTS)
    np.testing.assert_array_equal(ids, expected.input_ids)
    np.testing.assert_array_equal(mask, expected.attention_mask)


def test_the_padding_token_may_be_written_as_an_object(tmp_path):
    write_word_tokenizer(tmp_path)
    write_json(tmp_path / "tokenizer_config.json", {"pad_token": {"content": "[UNK]"}})
    ids, _ = PromptTokenizer(tmp_path, 4)([""])
    np.testing.assert_array_equal(ids, [[2, 3, 1, 1]])


def test_without_a_named_padding_token_it_is_bert_s(tmp_path):
    write_word_tokenizer(tmp_path)
    (tmp_path / "tokenizer_config.json").unlink()
    ids, _ = PromptTokenizer(tmp_path, 4)([""])
    np.testing.assert_array_equal(ids, [[2, 3, 0, 0]])


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / "tokenizer.json").unlink(), "is missing"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "no readable tokenizer"),
        (lambda folder: write_json(folder / "tokenizer_config.json", {"pad_token": "<pad>"}), "<pad>"),
    ],
)
def test_a_broken_tokenizer_is_a_model_error(tmp_path, damage, words):
    write_word_tokenizer(tmp_path)
    damage(tmp_path)
    with pytest.raises(ModelError, match=words):
        PromptTokenizer(tmp_path, 4)
