"""A model that says which token comes next, on top of an encoder of `transformers`.

What it reads and what its head is made of stand under `cloze.continuation` in config.json. Load it
with `AutoModel.from_pretrained(folder, trust_remote_code=True)`. A window is given as
`[CLS] tokens [SEP]`, a prefix as `[CLS] tokens [MASK] [SEP]`, padded on the right if at all; there is
one row of logits a sequence: those of the token behind the window, or of the one behind `[MASK]`.
"""

import inspect

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.activations import ACT2FN
from transformers.modeling_outputs import CausalLMOutput
from transformers.models.auto.modeling_auto import MODEL_MAPPING

# cloze's names of activations, where transformers has others.
ACTIVATIONS = {"gelu_tanh": "gelu_new"}


class ClozeContinuationHead(nn.Module):
    """Rows of the encoder -> logits of the next token, [batch, vocab].

    The row that is read is the last one before `[SEP]`.
    """

    def __init__(self, head, hidden_size, vocab_size):
        super().__init__()
        width = head["hidden_size"]
        self.kind = head["kind"]
        self.special_rows = head["special_rows"]
        self.dropout = nn.Dropout(head["dropout"])
        if self.kind == "linear":
            self.dense = nn.Linear(hidden_size, width)
            self.activation = ACT2FN[ACTIVATIONS.get(head["activation"], head["activation"])]
        else:
            layers = head["layers"]
            between = head["dropout"] if layers > 1 else 0.0
            self.lstm = nn.LSTM(hidden_size, width, layers, batch_first=True, dropout=between)
        if self.kind == "lstm-attention":
            self.attention = nn.MultiheadAttention(
                width, head["attention_heads"], batch_first=True
            )
        self.decoder = nn.Linear(width, vocab_size)

    def forward(self, states, lengths):
        """States, [batch, seq, hidden], and lengths with special tokens -> [batch, vocab]."""
        if self.kind == "linear":
            rows = self.activation(self.dense(read(states, lengths - 2)))
        else:
            rows = self._recurrent(states, lengths)
        return self.decoder(self.dropout(rows))

    def _recurrent(self, states, lengths):
        last, known = lengths - 2, lengths
        if not self.special_rows:
            states, last, known = states[:, 1:], lengths - 3, lengths - 2
        # What is padded stands behind the rows that count.
        states, _ = self.lstm(states)
        rows = read(states, last)
        if self.kind == "lstm":
            return rows
        places = torch.arange(states.shape[1], device=states.device)
        padding = places[None, :] >= known[:, None]
        seen, _ = self.attention(
            rows[:, None], states, states, key_padding_mask=padding, need_weights=False
        )
        return rows + seen[:, 0]


def read(states, places):
    """The row at a place of every sequence: [batch, seq, hidden] -> [batch, hidden]."""
    return states[torch.arange(len(states), device=states.device), places]


class ClozeForContinuation(PreTrainedModel):
    _supports_sdpa = True

    def __init__(self, config):
        super().__init__(config)
        encoder_class = MODEL_MAPPING[type(config)]
        takes = inspect.signature(encoder_class.__init__).parameters
        without_pooler = {"add_pooling_layer": False} if "add_pooling_layer" in takes else {}
        encoder = encoder_class._from_config(config, **without_pooler)
        # The encoder has the name that it has in transformers' own models: bert, distilbert, ...
        self.base_model_prefix = encoder.base_model_prefix
        setattr(self, self.base_model_prefix, encoder)
        head = config.cloze["continuation"]["head"]
        self.head = ClozeContinuationHead(head, config.hidden_size, config.vocab_size)
        self.post_init()

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        token_type_ids=None,
        labels=None,
        return_dict=None,
        **kwargs,
    ):
        """`labels`: the id of the next token of every sequence, [batch]."""
        if getattr(self.config, "type_vocab_size", 0):
            kwargs["token_type_ids"] = token_type_ids
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        outputs = self.base_model(
            input_ids=input_ids, attention_mask=attention_mask, return_dict=True, **kwargs
        )
        logits = self.head(outputs.last_hidden_state, attention_mask.sum(dim=1))
        result = CausalLMOutput(
            loss=None if labels is None else nn.functional.cross_entropy(logits, labels),
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return result.to_tuple() if return_dict is False else result
