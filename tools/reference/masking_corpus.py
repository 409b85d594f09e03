"""The fixed texts that `masking_reference.py` masks and cuts into blocks."""

SENTENCES = [
    "The committee's unaffable chairwoman, Dr. Ellsworth, adjourned the proceedings at 4:30 p.m.",
    "Photosynthesis converts sunlight into chemical energy; without it, virtually nothing would grow.",
    "I can't believe it's already November - where did the year go?",
    "Antidisestablishmentarianism is a twenty-eight-letter word that nobody ever uses in earnest.",
    "He bought 3.5 kilograms of potatoes, two onions and a jar of pickled gherkins for $12.40.",
    "Rain hammered on the corrugated roof, and the lanterns swung wildly in the wind.",
    "Under the microscope, the crystallised sample glittered like shattered porcelain.",
    "\"You'll have to sit this one out,\" she said; \"your ankle hasn't healed yet.\"",
    "The naïve café owner misjudged how much crème brûlée tourists would eat in August.",
    "Neuroscientists disagree about whether hippocampal neurogenesis continues in adulthood.",
    "My grandmother's recipe: butter, sugar, flour, cardamom, and an unreasonable amount of patience.",
    "The ferry was delayed again. Nobody minded; the harbour was beautiful at dusk.",
    "Cryptographers long suspected that the cipher was breakable, but lacked the hardware to prove it.",
    "After the flood, volunteers shovelled mud out of basements for eleven days.",
    "Is a semi-detached house really cheaper to heat than a bungalow of the same size?",
    "The violinist retuned between movements, apologised to the audience, and began again.",
    "Tectonic subduction pushed the seabed upwards until limestone crowned the mountain range.",
    "A \U0001f600 says more than a paragraph, or so my niece (she's fourteen) keeps telling me.",
    "The translation of 床前明月光 has kept generations of scholars pleasantly busy.",
    "Unsurprisingly, the reupholstered armchair smelled of turpentine for several weeks.",
    "They hitchhiked from Marrakesh to Ouarzazate, sleeping under tarpaulins and stars.",
    "The judge overruled the objection, which had been raised rather half-heartedly.",
    "Biodegradable packaging decomposes slowly unless temperature and humidity cooperate.",
    "We waited, and waited, and then - quite suddenly - the eclipse began.",
    "Backpropagation computes gradients layer by layer, reusing intermediate activations.",
    "Every Thursday the bookmobile stopped outside the abandoned schoolhouse.",
    "The electrocardiogram showed nothing unusual, so they discharged him before lunch.",
    "Old Mr. Fitzwilliam whittled a chess set, thirty-two pieces, from a single plank of walnut.",
    "Overfishing has depleted cod stocks throughout the north-western Atlantic.",
    "She memorised the periodic table in a week and forgot it in a fortnight.",
]
CHINESE = ["今天天气真好，我们去公园散步吧。", "今天 天气 真 好 ， 我们 去 公园 散步 吧 。"]
# Each is one token of an uncased English BERT vocabulary.
WORDS = "the old man walked down to the river and sat on a stone while his dog looked for fish in the water".split()
# Tokens of the three texts, with [CLS] and [SEP].
TEXT_LENGTHS = [363, 304, 133]


def text_of(length: int) -> str:
    """A text of `length` tokens, of which two are special."""
    return " ".join(WORDS[index % len(WORDS)] for index in range(length - 2))
