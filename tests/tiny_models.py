"""Model folders small enough for tests: random weights, real layouts.

`build_tiny_zippo` makes a Zippo folder (BERT text encoder, int8; pixel-unshuffled VAE), without
`onnx/`. `build_tiny_sd` and `build_tiny_sd2` make Stable Diffusion 1.x and 2.x ones, as their makers
publish them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from zippo_desktop.engine.model_store import record_digests
from zippo_desktop.engine.weights import Precision, write_weights

TEXT_TOKENS = 12
TEXT_WIDTH = 32
FEATURES = 6
WORDS = ["a", "red", "apple", "wooden", "chair", "potted", "plant", "##s", "##ly"]
ZIPPO_SCHEDULER = {
    "_class_name": "DDIMScheduler",
    "num_train_timesteps": 1000,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "clip_sample": False,
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
}
SD_SCHEDULER = {
    "_class_name": "PNDMScheduler",
    "num_train_timesteps": 1000,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "skip_prk_steps": True,
    "set_alpha_to_one": False,
    "steps_offset": 1,
}


def build_tiny_zippo(folder: Path, seed: int = 0, has_matte_decoder: bool = True) -> Path:
    """A Zippo folder: C = 4, 8-fold down-sampling of which 2 by pixel (un)shuffle, 32 px, 12 tokens.

    Its image encoder is as large as any, but leaves only `FEATURES` channels.
    """
    import torch

    from zippo_desktop.engine.matte_decoder import MatteDecoder
    from zippo_desktop.training.model_folder import write_own_network

    torch.manual_seed(seed)
    unet = tiny_unet(in_channels=8 + FEATURES, num_class_embeds=4)
    write_own_network(tiny_image_encoder(), folder / "image_encoder")
    if has_matte_decoder:
        write_own_network(MatteDecoder(4, FEATURES, widths=(8, 8, 8, 16)), folder / "matte_decoder")
    torch.nn.init.normal_(unet.class_embedding.weight)  # so that the branches differ
    _write_network(folder / "unet", unet, "float16")
    vae = tiny_vae(in_channels=12, block_out_channels=(16, 16, 32))
    _write_network(folder / "vae", vae, "float16")
    _write_network(folder / "text_encoder", tiny_bert(), "int8", "model.safetensors")
    write_word_tokenizer(folder / "tokenizer")
    write_json(folder / "scheduler" / "scheduler_config.json", ZIPPO_SCHEDULER)
    write_json(folder / "model_index.json", _index("ZippoPipeline", "BertModel", "BertTokenizer", "DDIM"))
    write_json(folder / "zippo.json", zippo_manifest())
    record_digests(folder)
    return folder


def build_tiny_sd(folder: Path, seed: int = 0) -> Path:
    """A text-to-image folder: CLIP text encoder, 3-channel VAE, noise prediction, float32 weights."""
    import torch

    torch.manual_seed(seed)
    tiny_unet(in_channels=4).save_pretrained(folder / "unet")
    tiny_vae(in_channels=3, block_out_channels=(16, 16, 32, 32)).save_pretrained(folder / "vae")
    write_clip_tokenizer(folder / "tokenizer")
    tiny_clip(vocabulary=600).save_pretrained(folder / "text_encoder")
    write_json(folder / "scheduler" / "scheduler_config.json", SD_SCHEDULER)
    index = _index("StableDiffusionPipeline", "CLIPTextModel", "CLIPTokenizer", "PNDM")
    write_json(folder / "model_index.json", index)
    return folder


def build_tiny_sd2(folder: Path, seed: int = 0) -> Path:
    """Stable Diffusion 2: v-prediction, linear projections, heads by level, OpenCLIP without its last layer.

    Its tokenizer names two padding tokens. That of `special_tokens_map.json` is the one it was trained on.
    """
    import torch

    torch.manual_seed(seed)
    unet = tiny_unet(in_channels=4, attention_head_dim=(2, 4), use_linear_projection=True)
    unet.save_pretrained(folder / "unet")
    tiny_vae(in_channels=3, block_out_channels=(16, 16, 32, 32)).save_pretrained(folder / "vae")
    write_clip_tokenizer(folder / "tokenizer", pad_token="!")
    without_last_layer(tiny_open_clip()).save_pretrained(folder / "text_encoder")
    scheduler = SD_SCHEDULER | {"_class_name": "DDIMScheduler", "prediction_type": "v_prediction"}
    write_json(folder / "scheduler" / "scheduler_config.json", scheduler)
    index = _index("StableDiffusionPipeline", "CLIPTextModel", "CLIPTokenizer", "DDIM")
    write_json(folder / "model_index.json", index)
    return folder


def tiny_open_clip() -> Any:
    """A text encoder of OpenCLIP's kind, whole: GELU, and one layer more than Stable Diffusion 2 uses."""
    return tiny_clip(vocabulary=600, num_hidden_layers=3, hidden_act="gelu", projection_dim=16)


def without_last_layer(clip: Any) -> Any:
    """The text encoder that ends in the last layer but one, as Stable Diffusion 2 publishes it."""
    from transformers import CLIPTextConfig, CLIPTextModel

    layers = clip.config.num_hidden_layers - 1
    cut = CLIPTextModel(CLIPTextConfig.from_dict(clip.config.to_dict() | {"num_hidden_layers": layers}))
    cut.load_state_dict({name: clip.state_dict()[name] for name in cut.state_dict()})
    return cut


def zippo_manifest() -> dict[str, Any]:
    """The `zippo.json` of the tiny Zippo folder, without digests."""
    return {
        "format_version": 1,
        "name": "tiny",
        "version": "0.1",
        "size_px": 32,
        "multiple_px": 16,
        "text_tokens": TEXT_TOKENS,
        "tasks": ["matting", "painting", "generation"],
        "licence": "CC0-1.0",
    }


def tiny_unet(in_channels: int, num_class_embeds: int | None = None, **changes: Any) -> Any:
    from diffusers import UNet2DConditionModel

    shape = {
        "sample_size": 4,
        "out_channels": 4,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "block_out_channels": (16, 32),
        "layers_per_block": 1,
        "attention_head_dim": 2,
        "cross_attention_dim": TEXT_WIDTH,
        "norm_num_groups": 8,
    }
    return UNet2DConditionModel(in_channels=in_channels, num_class_embeds=num_class_embeds, **shape | changes)


def tiny_vae(in_channels: int, block_out_channels: tuple[int, ...]) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        in_channels=in_channels,
        out_channels=in_channels,
        down_block_types=("DownEncoderBlock2D",) * len(block_out_channels),
        up_block_types=("UpDecoderBlock2D",) * len(block_out_channels),
        block_out_channels=block_out_channels,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=32,
        scaling_factor=0.7,
    )


def tiny_image_encoder() -> Any:
    """Random weights that keep the size of what passes through: the usual ones would let it die out."""
    import torch

    from zippo_desktop.engine.image_encoder import ImageEncoder

    encoder = ImageEncoder(FEATURES)
    for module in encoder.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)
    return encoder


def published_efficientnet() -> dict[str, Any]:
    """EfficientNet-Lite0's trunk by the published names: random weights, every norm at work."""
    import torch

    from zippo_desktop.engine.image_encoder import LITE0

    generator = torch.Generator().manual_seed(0)
    weights: dict[str, Any] = {}

    def convolution(name: str, norm: str, outputs: int, inputs: int, kernel: int) -> None:
        weights[f"{name}.weight"] = torch.randn(outputs, inputs, kernel, kernel, generator=generator)
        for key in ("weight", "bias", "running_mean", "running_var"):
            weights[f"{norm}.{key}"] = torch.rand(outputs, generator=generator) + 0.5

    convolution("_conv_stem", "_bn0", 32, 3, 3)
    index, channels = 0, 32
    for stage in LITE0:
        for _ in range(stage.blocks):
            name, hidden = f"_blocks.{index}.", channels * stage.expansion
            if stage.expansion > 1:
                convolution(f"{name}_expand_conv", f"{name}_bn0", hidden, channels, 1)
            convolution(f"{name}_depthwise_conv", f"{name}_bn1", hidden, 1, stage.kernel)
            convolution(f"{name}_project_conv", f"{name}_bn2", stage.channels, hidden, 1)
            index, channels = index + 1, stage.channels
    return weights


def tiny_bert() -> Any:
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=len(_vocabulary()),
        hidden_size=TEXT_WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
        architectures=["BertModel"],
    )
    return BertModel(config, add_pooling_layer=False)


def tiny_clip(vocabulary: int, **changes: Any) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel

    shape = {
        "vocab_size": vocabulary,
        "hidden_size": TEXT_WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 77,
        "architectures": ["CLIPTextModel"],
    }
    return CLIPTextModel(CLIPTextConfig(**shape | changes))


def write_word_tokenizer(folder: Path) -> None:
    """A WordPiece tokenizer over `WORDS`, as BERT's."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece
    from tokenizers.normalizers import BertNormalizer
    from tokenizers.pre_tokenizers import BertPreTokenizer
    from tokenizers.processors import TemplateProcessing

    vocabulary = _vocabulary()
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer()
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")]
    )
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(folder / "tokenizer_config.json", {"pad_token": "[PAD]", "model_max_length": 512})


def write_clip_tokenizer(folder: Path, pad_token: str = "<|endoftext|>") -> None:
    """CLIP's byte-level BPE in its slow form (vocabulary and merges), without any merge but one.

    The padding token stands in `special_tokens_map.json`; `tokenizer_config.json` names the usual one.
    """
    from tokenizers.pre_tokenizers import ByteLevel

    letters = sorted(ByteLevel.alphabet())
    pieces = [*letters, *(f"{letter}</w>" for letter in letters), "re", "<|startoftext|>", "<|endoftext|>"]
    write_json(folder / "vocab.json", {piece: number for number, piece in enumerate(pieces)})
    (folder / "merges.txt").write_text("#version: 0.2\nr e\n", "utf-8")
    special = {
        "bos_token": "<|startoftext|>",
        "eos_token": "<|endoftext|>",
        "unk_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>",
    }
    write_json(folder / "special_tokens_map.json", special | {"pad_token": pad_token})
    config = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "do_lower_case": True}
    write_json(folder / "tokenizer_config.json", config | special)


def write_json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2), "utf-8")


def _vocabulary() -> dict[str, int]:
    return {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS])}


def _write_network(
    folder: Path, module: Any, precision: Precision, name: str = "diffusion_pytorch_model.safetensors"
) -> None:
    (module.save_config if hasattr(module, "save_config") else module.config.save_pretrained)(folder)
    tensors = {key: value.numpy() for key, value in module.state_dict().items()}
    write_weights(folder / name, tensors, precision)


def _index(pipeline: str, text_encoder: str, tokenizer: str, scheduler: str) -> dict[str, Any]:
    return {
        "_class_name": pipeline,
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "text_encoder": ["transformers", text_encoder],
        "tokenizer": ["transformers", tokenizer],
        "scheduler": ["diffusers", f"{scheduler}Scheduler"],
    }
