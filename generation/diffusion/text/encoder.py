"""What a frozen text encoder makes of texts: a state for each token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from generation.diffusion.run_config import ConfigError
from generation.diffusion.text.condition import TextCondition
from generation.diffusion.text.encoder_folder import EncoderFolder

WITHOUT_POOLING = {"BertModel", "RobertaModel"}  # the layer is unused, and many folders lack it
# What transformers and tokenizers raise of a folder that is none; ImportError where a tokenizer needs a library.
DAMAGED = (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, ImportError)


class TextEncoder:
    """The encoder of a folder, which must be the very one that `condition` names. Raises ConfigError."""

    def __init__(self, folder: EncoderFolder, condition: TextCondition, device: torch.device) -> None:
        if folder.sha256 != condition.sha256:
            raise ConfigError(
                f"The text encoder {folder.name} is another one than the model was trained with; put back the one of "
                f"SHA-256 {condition.sha256[:12]}…."
            )
        self.folder, self.condition = folder, condition
        self.tokenizer, self.model = _loaded(folder)
        self.model.to(device).eval().requires_grad_(requires_grad=False)

    def parameters(self) -> Any:
        return self.model.parameters()

    @torch.inference_mode()
    def states(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, tokens, width), 0 behind a text's end and all of what is no text.

        Each by itself, so that what a text becomes does not depend on its neighbours.
        """
        shape = (self.condition.tokens, self.condition.width)
        rows = [self._state(text) if text else np.zeros(shape, dtype=np.float32) for text in texts]
        return np.stack(rows) if rows else np.zeros((0, *shape), dtype=np.float32)

    def _state(self, text: str) -> NDArray[np.float32]:
        tokens = self.tokenizer(
            text,
            padding="max_length",
            truncation=True,
            max_length=self.condition.tokens,
            return_attention_mask=True,
            return_tensors="pt",
        ).to(self.model.device)
        mask = tokens["attention_mask"]
        try:
            states = self.model(input_ids=tokens["input_ids"], attention_mask=mask).last_hidden_state
        except torch.OutOfMemoryError:
            raise
        except (IndexError, RuntimeError) as error:
            raise ConfigError(
                f"The text encoder {self.folder.name} cannot read a text of {self.condition.tokens} tokens; ask for fewer "
                "text_tokens, or put back the tokenizer it was trained with."
            ) from error
        row = (states.float() * mask[..., None])[0].cpu().numpy()
        if row.shape != (self.condition.tokens, self.condition.width) or not np.isfinite(row).all():
            raise ConfigError(f"The text encoder {self.folder.name} makes no numbers of its width of a text.")
        return np.asarray(row, dtype=np.float32)


def _loaded(folder: EncoderFolder) -> tuple[Any, Any]:
    """The tokenizer and the model, both of classes that transformers brings."""
    import transformers

    local: Any = {"local_files_only": True, "trust_remote_code": False}
    pooling: Any = {"add_pooling_layer": False} if folder.kind.model in WITHOUT_POOLING else {}
    try:
        tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder.path, **local)
        model, report = getattr(transformers, folder.kind.model).from_pretrained(
            folder.path, local_files_only=True, use_safetensors=True, output_loading_info=True, **pooling
        )
    except DAMAGED as error:
        raise ConfigError(
            f"The text encoder {folder.name} cannot be loaded: {type(error).__name__}."
        ) from error
    if report["missing_keys"]:  # transformers would make them up
        missing = ", ".join(sorted(report["missing_keys"])[:3])
        raise ConfigError(f"The text encoder {folder.name} lacks weights of its own: {missing}.")
    if len(tokenizer) > model.config.vocab_size:
        raise ConfigError(
            f"The tokenizer of the text encoder {folder.name} is of another model: it has {len(tokenizer):,} words, and the "
            f"encoder knows {model.config.vocab_size:,}."
        )
    if tokenizer.pad_token is None:
        raise ConfigError(f"The tokenizer of the text encoder {folder.name} has no token to pad with.")
    return tokenizer, model
