"""The network: a genuine Gemma 3 vision-language model in small, with initial weights that suit its size."""

from __future__ import annotations

from typing import Any

from harness.phantom.scene import FRAME
from harness.phantom.train.recipe import Shape
from harness.phantom.train.tokenizer import END_OF_IMAGE, END_OF_TURN, IMAGE_TOKEN, START_OF_IMAGE, Encoder


def build(shape: Shape, encoder: Encoder, seed: int) -> Any:
    """Return a ``Gemma3ForConditionalGeneration`` with fresh float32 weights."""
    import torch
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3TextConfig, SiglipVisionConfig

    text = Gemma3TextConfig(
        vocab_size=len(encoder),
        hidden_size=shape.text_width,
        intermediate_size=shape.text_hidden,
        num_hidden_layers=shape.text_layers,
        num_attention_heads=shape.text_heads,
        num_key_value_heads=shape.text_key_value_heads,
        head_dim=shape.head_width,
        query_pre_attn_scalar=shape.head_width,
        max_position_embeddings=shape.context,
        sliding_window=512,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=2,
    )
    vision = SiglipVisionConfig(
        hidden_size=shape.vision_width,
        intermediate_size=shape.vision_hidden,
        num_hidden_layers=shape.vision_layers,
        num_attention_heads=shape.vision_heads,
        image_size=FRAME,
        patch_size=shape.patch,
        vision_use_head=False,
    )
    config = Gemma3Config(
        text_config=text.to_dict(),
        vision_config=vision.to_dict(),
        mm_tokens_per_image=shape.image_tokens,
        boi_token_index=encoder.special(START_OF_IMAGE),
        eoi_token_index=encoder.special(END_OF_IMAGE),
        image_token_index=encoder.special(IMAGE_TOKEN),
        eos_token_id=[1, encoder.special(END_OF_TURN)],
        tie_word_embeddings=True,
    )
    torch.manual_seed(seed)
    model = Gemma3ForConditionalGeneration(config).float()
    _initialise(model, shape)
    return model


def _initialise(model: Any, shape: Shape) -> None:
    """Set initial weights: the library's standard deviation of 0.02 is made for widths of thousands and starves a network this narrow."""
    from torch import nn

    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            fan_in = module.weight[0].numel()
            nn.init.trunc_normal_(module.weight, std=0.7 * fan_in**-0.5)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.LayerNorm):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
    for name, parameter in model.named_parameters():
        if "norm.weight" in name and "layer_norm" not in name and "vision" not in name:
            nn.init.zeros_(parameter)  # Gemma's RMSNorm scales by one plus the weight
        elif "embed_tokens" in name:
            nn.init.normal_(parameter, std=0.05)
        elif "position_embedding" in name:
            nn.init.normal_(parameter, std=0.2)
        elif "mm_input_projection" in name:
            nn.init.normal_(parameter, std=shape.vision_width**-0.5)
