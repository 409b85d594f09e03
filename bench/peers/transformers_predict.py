"""One prediction with `transformers`, as short as it can be written: the peer of `cloze predict`.

    python -m peers.transformers_predict FOLDER TEXT THREADS
"""

import sys

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

folder, text, threads = sys.argv[1:]
torch.set_num_threads(int(threads))
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
with torch.inference_mode():
    scores = model(**tokenizer(text, return_tensors="pt")).logits.softmax(-1)[0]
label = int(scores.argmax())
print(f'{{"label": "{model.config.id2label[label]}", "score": {scores[label].item()}}}')
