"""Text encoders of a few thousand random weights, saved as `save_pretrained` saves real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from generation.diffusion.text.condition import TextCondition
from generation.diffusion.text.encoder_folder import read_folder

WORDS = ("plate", "in", "the", "left", "right", "half", "dark", "bright", "no", "finding", "scanner", "ge")
WIDTH = 16


def save_tiny_encoder(folder: Path, kind: str = "bert") -> Path:
    import torch
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers

    torch.manual_seed(0)
    special = ["[PAD]", "[UNK]", "[BOS]", "[EOS]"]
    vocabulary = {word: place for place, word in enumerate([*special, *WORDS])}
    words: Any = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer: Any = transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", model_max_length=32
    )
    tokenizer.save_pretrained(folder)
    _model(kind, len(vocabulary)).save_pretrained(folder, safe_serialization=True)
    return folder


def _model(kind: str, words: int) -> Any:
    import transformers

    small: Any = {
        "hidden_size": WIDTH,
        "intermediate_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    if kind == "clip":
        return transformers.CLIPTextModel(
            transformers.CLIPTextConfig(
                vocab_size=words,
                max_position_embeddings=32,
                bos_token_id=2,
                eos_token_id=3,
                pad_token_id=0,
                **small,
            )
        )
    if kind == "t5":
        t5: Any = {"d_model": WIDTH, "d_kv": 8, "d_ff": 16, "num_layers": 2, "num_heads": 2}
        return transformers.T5EncoderModel(transformers.T5Config(vocab_size=words, **t5))
    if kind == "roberta":
        return transformers.RobertaModel(
            transformers.RobertaConfig(vocab_size=words, max_position_embeddings=34, **small)
        )
    return transformers.BertModel(
        transformers.BertConfig(vocab_size=words, max_position_embeddings=32, **small)
    )


def condition_of(folder: Path, **changes: Any) -> TextCondition:
    encoder = read_folder(folder)
    settings: dict[str, Any] = {"width": encoder.width, "tokens": 8, **changes}
    return TextCondition(encoder.name, encoder.sha256, **settings)
