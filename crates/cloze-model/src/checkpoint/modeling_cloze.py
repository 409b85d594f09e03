"""A text classifier whose head `transformers` does not have.

The encoder is the one of `transformers`; the head is described by `cloze.head` in config.json.
Load it with `AutoModelForSequenceClassification.from_pretrained(folder, trust_remote_code=True)`.
"""

from torch import nn
from transformers import AutoModel, PreTrainedModel
from transformers.activations import ACT2FN
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.models.auto import modeling_auto

# cloze's names of activations, where transformers has others.
ACTIVATIONS = {"gelu_tanh": "gelu_new"}

# Pipelines look the name of a class up in this table, and call it unsupported if it is not there.
SUPPORTED = getattr(modeling_auto, "MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES", {})
SUPPORTED["cloze"] = "ClozeForSequenceClassification"


class ClozeHead(nn.Module):
    """Features -> dropout -> hidden layers, each with an activation -> dropout -> linear.

    Its parameters have names that no model of `transformers` has, so that loading this checkpoint
    without this file cannot go unnoticed.
    """

    def __init__(self, head, hidden_size, num_labels):
        super().__init__()
        widths = [hidden_size, *head["hidden"]]
        self.features = head["features"]
        self.feature_dropout = nn.Dropout(head["feature_dropout"])
        self.hidden = nn.ModuleList(nn.Linear(*pair) for pair in zip(widths, widths[1:]))
        self.activation = ACT2FN[ACTIVATIONS.get(head["activation"], head["activation"])]
        self.dropout = nn.Dropout(head["dropout"])
        self.output = nn.Linear(widths[-1], num_labels)

    def forward(self, outputs, attention_mask):
        """What the encoder gave -> logits, [batch, labels]."""
        states = self.feature_dropout(self._pick(outputs, attention_mask))
        for layer in self.hidden:
            states = self.activation(layer(states))
        return self.output(self.dropout(states))

    def _pick(self, outputs, attention_mask):
        """What the encoder gave -> features, [batch, hidden]."""
        if self.features == "pooled":
            return outputs.pooler_output
        hidden = outputs.last_hidden_state
        if self.features == "cls":
            return hidden[:, 0]
        if attention_mask is None:
            return hidden.mean(dim=1)
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        return (hidden * mask).sum(dim=1) / mask.sum(dim=1)


class ClozeForSequenceClassification(PreTrainedModel):
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True

    def __init__(self, config):
        super().__init__(config)
        self.num_labels = config.num_labels
        encoder = AutoModel.from_config(config)
        # The encoder has the name that it has in transformers' own models: bert, distilbert, ...
        self.base_model_prefix = encoder.base_model_prefix
        setattr(self, self.base_model_prefix, encoder)
        self.head = ClozeHead(config.cloze["head"], config.hidden_size, config.num_labels)
        self.post_init()

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        token_type_ids=None,
        inputs_embeds=None,
        labels=None,
        return_dict=None,
        **kwargs,
    ):
        if getattr(self.config, "type_vocab_size", 0):
            kwargs["token_type_ids"] = token_type_ids
        outputs = self.base_model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            inputs_embeds=inputs_embeds,
            return_dict=True,
            **kwargs,
        )
        logits = self.head(outputs, attention_mask)
        result = SequenceClassifierOutput(
            loss=None if labels is None else self._loss(logits, labels),
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return result.to_tuple() if return_dict is False else result

    def _loss(self, logits, labels):
        if self.config.problem_type == "regression":
            return nn.functional.mse_loss(logits.squeeze(-1), labels.to(logits.dtype))
        if self.config.problem_type == "multi_label_classification":
            return nn.functional.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))
        return nn.functional.cross_entropy(logits.view(-1, self.num_labels), labels.view(-1))
