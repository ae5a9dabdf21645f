"""What speaks for a place in the code, each witness by itself; and an answer that fits."""

from __future__ import annotations

from collections.abc import Mapping

from greenloop.domain import Snippet
from greenloop.retrieval.answer import Place
from greenloop.retrieval.corpus import File, searchable
from greenloop.retrieval.graph import Graph
from greenloop.retrieval.history import past
from greenloop.retrieval.hybrid import Hybrid, Material
from greenloop.retrieval.kinds import attributes, is_data, kind, left_out
from greenloop.retrieval.query import named, parse
from greenloop.retrieval.store import Store

SEND = "def send(report):\n    return report\n"
FILES = {
    "src/pkg/a.py": SEND,
    "src/pkg/b.py": SEND.replace("report", "letter"),
    "src/pkg/parser.py": "def words(text):\n    return text.split()\n",
    "src/pkg/other.py": "def lines(text):\n    return text.splitlines()\n",
    "tests/test_parser.py": "def test_words_of_umlauts():\n    assert words('ä ö') == ['ä', 'ö']\n",
    "docs/umlauts.md": "Umlauts are letters of a kind.\n",
}


def searcher(files: Mapping[str, str] = FILES, *commits: tuple[str, tuple[str, ...]]) -> Hybrid:
    made = (File(path, str(hash(text)), len(text)) for path, text in files.items())
    history = tuple(past(message, paths) for message, paths in commits)
    return Hybrid(Store(None), Material(files=searchable(made), read=files.get, past=history))


def first(made: Hybrid, query: str) -> str:
    return made.find(query, 10_000).snippets[0].path


def test_a_request_is_read_for_words_places_and_what_it_is_about() -> None:
    text = 'Tests of the parser\nFile "/ci/work/src/pkg/a.py", line 2, in send\nsee pkg/b.py:1 and `parser.py`'
    query = parse(text)
    assert query.frames == (("/ci/work/src/pkg/a.py", 2), ("pkg/b.py", 1))
    assert query.paths == ("/ci/work/src/pkg/a.py", "pkg/b.py", "parser.py")
    assert (query.words["parser"], query.words["work"], query.tests, query.prose) == (2.0, 1.0, True, False)


def test_a_written_path_means_one_file_or_none() -> None:
    paths = {path: n for n, path in enumerate(FILES)}
    said = ["src/pkg/a.py", "./src/pkg/a.py", "pkg/b.py", "/home/x/src/pkg/b.py", "C:/x/y.py", "py", "../../etc/passwd"]
    assert [named(path, paths) for path in said] == [0, 0, 1, 1, None, None, None]


def test_what_a_person_spells_out_comes_first() -> None:
    made = searcher()
    assert first(made, "words of a text\nbut look at src/pkg/b.py") == "src/pkg/b.py"
    assert first(made, 'words of a text\n  File "src/pkg/a.py", line 2, in send') == "src/pkg/a.py"
    found = made.find("words in src/pkg/b.py", 10_000).snippets
    assert (found[0].path, found[0].reason) == ("src/pkg/b.py", "named in the request")


def test_a_test_points_to_what_it_is_named_after() -> None:
    order = [s.path for s in searcher().find("umlauts in a text", 10_000).snippets]
    assert order.index("src/pkg/parser.py") < order.index("src/pkg/other.py")
    plain = {path: text for path, text in FILES.items() if path != "tests/test_parser.py"}
    order = [s.path for s in searcher(plain).find("umlauts in a text", 10_000).snippets]
    assert order.index("src/pkg/parser.py") > order.index("src/pkg/other.py")


def test_a_request_about_tests_or_prose_sees_more_of_them() -> None:
    def place(query: str, path: str) -> float:
        ranked = {made.corpus.files[made.corpus.owner[r.chunk]].path: r.score for r in made.ranking.rank(parse(query))}
        return ranked[path]

    made = searcher()
    assert place("tests of words in a text", "tests/test_parser.py") > place("words in a text", "tests/test_parser.py")
    assert place("docs: letters of a text", "docs/umlauts.md") > place("letters of a text", "docs/umlauts.md")


def test_commits_like_the_request_point_to_what_they_changed() -> None:
    commits = (
        ("Postage is due on delivery\n\nReviewed-by: delivery", ("src/pkg/b.py", "gone.py")),
        ("Postage everywhere", tuple(f"x{n}.py" for n in range(20))),
        ("Something else", ("src/pkg/a.py",)),
    )
    assert first(searcher(FILES, *commits), "postage of what we send") == "src/pkg/b.py"
    without = searcher().find("postage of what we send", 10_000).snippets
    assert {s.path for s in without} >= {"src/pkg/a.py", "src/pkg/b.py"}


def test_an_answer_fits_and_quotes_each_line_once() -> None:
    many = "".join(f"def send_{n}(report):\n    return report + {n}\n\n\n" for n in range(60))
    made = searcher({"many.py": many, "small.py": SEND})
    found = made.find("send a report, send_7 and send_8", 700)
    assert sum(len(s.text) for s in found.snippets) <= 700
    assert all(
        s.text == "".join(many.splitlines(keepends=True)[s.start - 1 :][: s.text.count("\n")])
        for s in found.snippets
        if s.path == "many.py"
    )
    lines = [(s.path, n) for s in found.snippets for n in range(s.start, s.start + s.text.count("\n"))]
    assert len(lines) == len(set(lines))
    assert any("send_7" in s.reason for s in found.snippets)
    assert found.outline[0].startswith("many.py:")
    assert sum(map(len, found.outline)) <= 70
    assert (made.find("", 700).snippets, made.find("report", 0).snippets, made.find("zzz", 700).snippets) == (
        (),
        (),
        (),
    )


def test_lines_end_as_they_do_in_the_file() -> None:
    text = "def send(report):\r\n    return report\r\n"
    (snippet,) = searcher({"a.py": text}).find("send", 1000).snippets
    assert (snippet.text, snippet.start, snippet.whole) == (text, 1, True)


def test_what_is_not_written_here_is_left_out() -> None:
    gone = ["vendor/a.py", "x/node_modules/b.js", "a.min.js", "poetry.lock", "CHANGES.md", "api_pb2.py", "a.svg"]
    kept = ["a.py", "src/vendors.py", "uv.locking.py", "news/reader.py", "history.py", "changes_to_track.md"]
    assert [path for path in (*gone, *kept) if left_out(path, 10)] == gone
    assert left_out("a.py", 2_000_000)
    assert [kind(path) for path in ("a.py", "tests/a.py", "docs/a.py", "README.md")] == [
        "source",
        "test",
        "prose",
        "prose",
    ]
    data = [b"a\0b", b"# @generated\n", b"x=1;" * 2000, b"x = 1\n" * 2000]
    assert [is_data(text) for text in data] == [True, True, True, False]
    away = attributes(
        {
            "sub/.gitattributes": "/a.js -linguist-vendored\n*.py linguist-generated\n",
            ".gitattributes": "*.js linguist-vendored\nkept.js -linguist-vendored\n# x binary\n[attr]y binary\n",
        }
    )
    marked = [
        path for path in ("a.js", "kept.js", "x", "y", "a.py", "sub/a.js", "sub/in/a.js", "sub/a.py") if away(path)
    ]
    assert marked == ["a.js", "sub/in/a.js", "sub/a.py"]


def test_line_ends_that_are_left_alone_leave_nothing_out() -> None:
    """`* -text` stands in many a repository; and each attribute is taken back by itself."""
    text = "* -text\n*.dat binary\nread.dat -binary\n*.c -diff\nsee.c diff\n"
    linguist = "*.js linguist-vendored\nmine.js -linguist-generated\nour.js !linguist-vendored\n"
    away = attributes({".gitattributes": text + linguist})
    paths = ("a.py", "a.dat", "read.dat", "a.js", "mine.js", "our.js", "a.c", "see.c")
    assert [path for path in paths if away(path)] == ["a.dat", "a.js", "mine.js", "a.c"]
    many = "".join(f"x{n} binary\n" for n in range(501))
    assert [attributes({".gitattributes": many})(path) for path in ("x0", "x499", "x500")] == [True, True, False]


def test_what_hangs_together_with_the_code_is_named_beside_it() -> None:
    pad = "".join(f"# {n}\n" for n in range(70))
    files = {
        "src/post.py": f"class Post(Carrier):\n    def send_mail(self, x):\n        return stamp_it(x)\n{pad}",
        "src/stamps.py": f"def stamp_it(x):\n    return x\n\n\nclass Carrier:\n    kind = 1\n{pad}",
        "src/office.py": f"def open_office():\n    return Post().send_mail(1)\n{pad}",
        "src/shop.py": f"def shop():\n    return 1\n{pad}",
        "tests/test_post.py": f"def test_it():\n    assert 1\n{pad}",
    }
    commits = [("Together", ("src/post.py", "src/shop.py"))] * 2
    made = searcher(files, *commits)
    graph = Graph(made.corpus, made.ranking.links, made.past)
    chunk = next(c for c in made.corpus.chunks(made.corpus.rows[1]) if c.name == "Post.send_mail")
    shown = (Snippet(source="repository", path="src/post.py", start=1, text=files["src/post.py"], reason=""),)
    assert list(graph.beside((Place("src/post.py", chunk, ""),), shown, files.get)) == [
        "src/stamps.py:1: def stamp_it(x) (used by send_mail)",
        "src/office.py:1: def open_office() (uses send_mail)",
        "tests/test_post.py (tests of src/post.py)",
        "src/shop.py (often changed together with what is quoted)",
    ]
