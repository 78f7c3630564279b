"""The text tower: a small causal transformer (Vaswani et al. 2017) over the teacher's word pieces, and its training.

Its vector is [kind | colour]: what the teacher makes of the thing that a text speaks of, and the code of the colour.
"""

from collections.abc import Sequence

import torch
from tokenizers import Tokenizer
from torch import nn
from torch.nn.functional import gelu, normalize

from training.type_space import TYPE_DIMENSIONS

WIDTH, LAYERS, HEADS, CONTEXT = 192, 3, 4, 32
COLOR_DIMENSIONS = 16
TEXT_DIMENSIONS = TYPE_DIMENSIONS + COLOR_DIMENSIONS
# The end of a text in the teacher's vocabulary ("[SEP]"); the tower's vector is read there.
END = 102


class Block(nn.Module):
    """One layer: attention to the places before, then a two-layer network, each added to its input."""

    def __init__(self) -> None:
        super().__init__()
        self.norm_attention, self.norm_network = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.to_queries_keys_values = nn.Linear(WIDTH, 3 * WIDTH)
        self.from_heads = nn.Linear(WIDTH, WIDTH)
        self.widen, self.narrow = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        n, places, _ = states.shape
        parts = self.to_queries_keys_values(self.norm_attention(states))
        queries, keys, values = parts.view(n, places, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4).unbind(0)
        scores = queries @ keys.transpose(-1, -2) / (WIDTH // HEADS) ** 0.5 + mask
        heads = (scores.softmax(-1) @ values).transpose(1, 2).reshape(n, places, WIDTH)
        states = states + self.from_heads(heads)
        return states + self.narrow(gelu(self.widen(self.norm_network(states))))


class TextTower(nn.Module):
    """Ids (n, places), each row with one END, to unit vectors (n, TEXT_DIMENSIONS); what follows END counts nothing."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, WIDTH)
        self.places = nn.Parameter(torch.randn(CONTEXT, WIDTH) * 0.02)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)
        self.out = nn.Linear(WIDTH, TEXT_DIMENSIONS, bias=False)
        self.register_buffer("mask", torch.full((CONTEXT, CONTEXT), -1e4).triu(1))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        places = ids.shape[1]
        states = self.words(ids) + self.places[:places]
        for block in self.blocks:
            states = block(states, self.mask[:places, :places])
        at_end = (ids == END).float()
        at_first_end = at_end * (torch.cumsum(at_end, 1) == 1).float()
        last = (self.norm(states) * at_first_end[..., None]).sum(1)
        return normalize(self.out(last), dim=1)

    def start_from(self, word_vectors: torch.Tensor) -> None:
        """Begin with the principal components of the teacher's word vectors (vocabulary, 384)."""
        centred = word_vectors - word_vectors.mean(0)
        components = torch.linalg.svd(centred, full_matrices=False).Vh[:WIDTH]
        reduced = centred @ components.T
        self.words.weight.data = reduced / reduced.std() * 0.5


class Tokens:
    """The teacher's tokenizer as the tower wants it: at most CONTEXT ids, rows filled up with 0."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = Tokenizer.from_str(tokenizer.to_str())
        self._tokenizer.enable_truncation(CONTEXT)
        self._tokenizer.enable_padding(pad_id=0)

    def __call__(self, texts: Sequence[str]) -> torch.Tensor:
        return torch.tensor([encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))])
