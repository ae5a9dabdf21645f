from __future__ import annotations

from greenloop.retrieval.lexical import Lexical, words

FILES = {
    "uploader.py": "def upload(send, report):\n    return send(report)\n",
    "retry_policy.py": "class RetryPolicy:\n    maxRetries = 3\n",
    "notes.txt": "nothing of interest\n" * 30,
    "picture.bin": "upload retry\0",
}


def test_rare_shared_words_win_and_the_budget_holds() -> None:
    find = Lexical(lambda: [(p, t.encode()) for p, t in FILES.items()], len).find
    assert [s.path for s in find("add a retry to the upload", 1000)] == ["retry_policy.py", "uploader.py"]
    assert [s.path for s in find("add a retry to the upload", 45)] == ["retry_policy.py"]
    assert find("zzz", 1000) == ()
    assert Lexical(list, len).find("retry", 10) == ()


def test_words_are_split_as_code_writes_them() -> None:
    assert words("maxRetries max_retries HTTP ab") == {"max": 2, "retries": 2, "http": 1}
