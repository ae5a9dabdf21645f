"""A tiny, real chat model made from nothing: no download, no network, CPU alone, half a minute.

    python tests/local_model/tiny.py FOLDER CASES.json

A Qwen2 of a quarter of a million parameters in Hugging Face's format (safetensors, tokenizer.json, ChatML), trained
until it answers our own prompt for one request with a right file. It can do no more; the path to it is any model's.
Needs what tests/local_model/requirements.txt names.
"""

from __future__ import annotations

import json
import sys
import sysconfig
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

EOT, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SPLIT = (  # Qwen2's
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
POSITIONS = 2048
STEPS, RATE, VOCABULARY = 200, 4e-3, 2048
ENOUGH = 0.002  # loss


def make(folder: Path, cases: list[tuple[list[dict[str, str]], str]]) -> None:
    """`cases` are chats with their answers. Prints the loss as it falls."""
    torch.set_num_threads(1)  # more are far slower on a busy machine
    torch.manual_seed(7)
    words = _tokenizer([text for chat, answer in cases for text in (answer, *(m["content"] for m in chat))])
    pad, end = words.convert_tokens_to_ids(EOT), words.convert_tokens_to_ids(END)
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(words),
            hidden_size=64,
            intermediate_size=256,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=POSITIONS,
            tie_word_embeddings=True,
            bos_token_id=pad,
            eos_token_id=end,
            pad_token_id=pad,
        )
    )
    steps = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01)
    slower = torch.optim.lr_scheduler.OneCycleLR(steps, max_lr=RATE, total_steps=STEPS, pct_start=0.05)
    model.train()
    for step in range(STEPS):
        ids, wanted = _batch(cases, words, pad)
        loss = model(input_ids=ids, attention_mask=(ids != pad).long(), labels=wanted).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        steps.step()
        slower.step()
        steps.zero_grad()
        if step % 20 == 0:
            sys.stdout.write(f"step {step} of {STEPS} at most: loss {loss.item():.4f}\n")
            sys.stdout.flush()
        if loss.item() < ENOUGH:
            break
    model.eval()
    model.generation_config = GenerationConfig(do_sample=False, max_new_tokens=512, eos_token_id=[end])
    model.save_pretrained(folder)
    words.save_pretrained(folder)


def _batch(cases: list[tuple[list[dict[str, str]], str]], words: Any, pad: int) -> tuple[Any, Any]:
    rows = []
    for chat, answer in cases:
        text = words.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
        head = words(text, add_special_tokens=False)["input_ids"]
        rows.append((head, words(answer + END, add_special_tokens=False)["input_ids"]))
    width = max(len(head) + len(tail) for head, tail in rows)
    assert width <= POSITIONS, f"a prompt of {width} tokens is too long for it"
    ids, wanted = torch.full((len(rows), width), pad), torch.full((len(rows), width), -100)
    for at, (head, tail) in enumerate(rows):
        ids[at, : len(head) + len(tail)] = torch.tensor(head + tail)
        wanted[at, len(head) : len(head) + len(tail)] = torch.tensor(tail)  # the answers alone are learnt
    return ids, wanted


def _tokenizer(texts: list[str]) -> Any:
    """Byte-level BPE, trained on Python that is always there, and on what will be said."""
    library = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("a*.py"))
    source = [path.read_text(errors="ignore") for path in library]
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY - 3, initial_alphabet=alphabet, show_progress=False)
    made.train_from_iterator([*source, *texts * 20], trainer)
    made.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in (EOT, START, END)])
    words = PreTrainedTokenizerFast(tokenizer_object=made, eos_token=END, pad_token=EOT, model_max_length=POSITIONS)
    words.chat_template = TEMPLATE
    return words


if __name__ == "__main__":
    make(Path(sys.argv[1]), [(case["chat"], case["answer"]) for case in json.loads(Path(sys.argv[2]).read_text())])
