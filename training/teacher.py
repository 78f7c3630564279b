"""The sentence model that knows what words mean: all-MiniLM-L6-v2 (Wang et al. 2020; Reimers & Gurevych 2019)."""

from collections.abc import Mapping, Sequence
from zipfile import ZipFile

import numpy as np
import torch
from all_minilm_l6_v2 import get_model_zip_path
from safetensors.torch import load
from tokenizers import Tokenizer
from torch import nn
from torch.nn.functional import normalize

from training.type_space import Vectors

DIMENSIONS, HEADS, NORM_EPSILON = 384, 12, 1e-12
BATCH, MAX_TOKENS = 256, 32
# The parts of a layer in torch's names and in BERT's.
LAYER_PARTS = {
    "self_attn.out_proj": "attention.output.dense",
    "norm1": "attention.output.LayerNorm",
    "linear1": "intermediate.dense",
    "linear2": "output.dense",
    "norm2": "output.LayerNorm",
}


class Teacher:
    """The sentence model, a BERT of six layers (Devlin et al. 2018); texts become unit vectors of 384 dimensions."""

    def __init__(self) -> None:
        with ZipFile(get_model_zip_path()) as archive:
            self.tokenizer = Tokenizer.from_str(archive.read("tokenizer.json").decode())
            weights = load(archive.read("model.safetensors"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(MAX_TOKENS)
        self.word_vectors = weights["embeddings.word_embeddings.weight"]
        """The vectors of its tokens, (30522, 384)."""
        self._places = (
            weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
        )
        self._norm = _layer_norm(weights, "embeddings.LayerNorm")
        self._layers = [_layer(weights, f"encoder.layer.{number}.") for number in range(6)]

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 (n, 384): the mean of a text's token vectors, of length 1."""
        ids = [encoding.ids for encoding in self.tokenizer.encode_batch(list(texts))]
        vectors = np.empty((len(texts), DIMENSIONS), np.float32)
        by_length: dict[int, list[int]] = {}
        for row, tokens in enumerate(ids):
            by_length.setdefault(len(tokens), []).append(row)
        for rows in by_length.values():
            for start in range(0, len(rows), BATCH):
                batch = rows[start : start + BATCH]
                vectors[batch] = self._encode_batch(torch.tensor([ids[row] for row in batch]))
        return vectors

    @torch.inference_mode()
    def _encode_batch(self, ids: torch.Tensor) -> Vectors:
        states = self._norm(self.word_vectors[ids] + self._places[: ids.shape[1]])
        for layer in self._layers:
            states = layer(states)
        vectors: Vectors = normalize(states.mean(1), dim=1).numpy()
        return vectors


def _layer(weights: Mapping[str, torch.Tensor], prefix: str) -> nn.Module:
    layer = nn.TransformerEncoderLayer(DIMENSIONS, HEADS, 4 * DIMENSIONS, activation="gelu", batch_first=True).eval()
    attention = [f"{prefix}attention.self.{part}." for part in ("query", "key", "value")]
    layer.load_state_dict(
        {
            "self_attn.in_proj_weight": torch.cat([weights[f"{part}weight"] for part in attention]),
            "self_attn.in_proj_bias": torch.cat([weights[f"{part}bias"] for part in attention]),
            **{
                f"{ours}.{kind}": weights[f"{prefix}{theirs}.{kind}"]
                for ours, theirs in LAYER_PARTS.items()
                for kind in ("weight", "bias")
            },
        }
    )
    layer.norm1.eps = layer.norm2.eps = NORM_EPSILON
    return layer


def _layer_norm(weights: Mapping[str, torch.Tensor], name: str) -> nn.LayerNorm:
    norm = nn.LayerNorm(DIMENSIONS, eps=NORM_EPSILON)
    norm.load_state_dict({kind: weights[f"{name}.{kind}"] for kind in ("weight", "bias")})
    return norm
