"""An extractor is named by its file's hash, and any TorchScript network of images can be one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from generation.metrics.extractors import extractor
from generation.metrics.feature_extractor import ExtractorError, described, file_sha256
from tests.factories import make_pixels


class ChannelMeans(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.float().mean(dim=(2, 3))


class LikeStyleGan(nn.Module):
    """Scores unless asked for features, as the published Inception file answers."""

    def forward(self, images: Tensor, return_features: bool = False) -> Tensor:
        means = images.float().mean(dim=(2, 3))
        return means.repeat(1, 2) if return_features else means[:, :1]


class OneForAll(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.float().mean(dim=(0, 2, 3))


def saved(folder: Path, network: nn.Module) -> Path:
    path = folder / "network.pt"
    script: Any = torch.jit.script(network)
    script.save(str(path))
    return path


def test_a_network_from_a_file_gives_one_row_an_image_of_any_size_and_depth(tmp_path: Path) -> None:
    path = saved(tmp_path, ChannelMeans())
    images = [make_pixels(side=40), make_pixels(side=333, bits=16), np.zeros((50, 60, 3), np.uint8)]

    used = extractor(str(path))
    rows = used.features(images)

    assert rows.shape == (3, 3)
    assert rows[0] == pytest.approx(images[0].mean(), abs=2)
    assert rows[2] == pytest.approx(0)
    assert described(used) == {"name": "network", "sha256": file_sha256(path), "dimensions": 3}


def test_the_published_inceptions_way_of_asking_for_features_is_known(tmp_path: Path) -> None:
    used = extractor(str(saved(tmp_path, LikeStyleGan())))

    assert used.dimensions == 6
    assert used.features([make_pixels()] * 2).shape == (2, 6)


def test_a_file_with_another_hash_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, ChannelMeans())

    assert extractor(f"{path}#{file_sha256(path)}").sha256 == file_sha256(path)
    with pytest.raises(ExtractorError, match="SHA-256"):
        extractor(f"{path}#{'0' * 64}")


def test_what_is_no_extractor_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "text.pt").write_text("hello")

    with pytest.raises(ExtractorError, match="no extractor at"):
        extractor(str(tmp_path / "none.pt"))
    with pytest.raises(ExtractorError, match="no TorchScript"):
        extractor(str(tmp_path / "text.pt")).features([make_pixels()])
    with pytest.raises(ExtractorError, match="one row"):
        extractor(str(saved(tmp_path, OneForAll()))).features([make_pixels()] * 2)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A CLIP of two small layers that has learned nothing, saved as the published one is."""
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    config = CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=16,
        projection_dim=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=32,
        patch_size=8,
    )
    folder = tmp_path / "tiny"
    CLIPVisionModelWithProjection(config).save_pretrained(folder)
    return folder


def test_a_folder_of_clip_gives_vectors_of_length_one_and_cmmd_is_called_by_its_name(clip: Path) -> None:
    used = extractor(f"{clip}#{file_sha256(clip / 'model.safetensors')}")

    rows = used.features([make_pixels(seed=seed) for seed in range(3)])

    assert rows.shape == (3, used.dimensions) == (3, 8)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1)
    assert not np.allclose(rows[0], rows[1])
    assert "clip" in used.name.lower()
    (clip.parent / "ours.toml").write_text('name = "CLIP of ours"\nlibrary = "clip"\nfile = "tiny"')
    declared = extractor(str(clip.parent / "ours.toml"))
    assert declared.name == "CLIP of ours"
    assert np.array_equal(
        declared.features([make_pixels(seed=0)])[0], used.features([make_pixels(seed=0)])[0]
    )
    (clip / "config.json").write_text("{")
    with pytest.raises(ExtractorError, match="no folder of a CLIP"):
        extractor(str(clip)).features([make_pixels()])


def test_a_clip_whose_projection_was_not_saved_is_refused_and_not_made_up(clip: Path) -> None:
    from transformers import CLIPVisionModel

    CLIPVisionModel.from_pretrained(clip).save_pretrained(clip)

    with pytest.raises(ExtractorError, match=r"lacks weights of a CLIP: visual_projection\.weight"):
        extractor(str(clip)).features([make_pixels()])
