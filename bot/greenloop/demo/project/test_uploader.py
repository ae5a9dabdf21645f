import pytest
from uploader import TRIES, fingerprint, upload


class Archive:
    """Refuses the first `refusals` reports, then takes them."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.calls = 0

    def send(self, report: bytes) -> str:
        self.calls += 1
        if self.calls <= self.refusals:
            raise ConnectionError("503 Service Unavailable")
        return f"archive/{fingerprint(report)}"


def test_upload_returns_the_address() -> None:
    assert upload(Archive(0).send, b"report").startswith("archive/")


def test_upload_retries_when_the_archive_is_busy() -> None:
    archive = Archive(refusals=TRIES - 1)
    assert upload(archive.send, b"report").startswith("archive/")
    assert archive.calls == TRIES


def test_upload_gives_up_after_the_last_try() -> None:
    archive = Archive(refusals=TRIES)
    with pytest.raises(ConnectionError):
        upload(archive.send, b"report")
    assert archive.calls == TRIES
