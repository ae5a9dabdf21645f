"""The engine: from a request in words to judged attempts."""
