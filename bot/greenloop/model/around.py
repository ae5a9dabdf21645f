"""What all models that stand around another one have in common: everything but the call is that one's."""

from __future__ import annotations

from greenloop.ports import Fit, Model, Price


class Around:
    """Everything of `model`, without `complete`."""

    def __init__(self, model: Model) -> None:
        self._model = model

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def price(self) -> Price | None:
        return self._model.price

    @property
    def fit(self) -> Fit:
        return self._model.fit

    def pass_on(self) -> bool:
        return self._model.pass_on()

    def warm(self) -> None:
        self._model.warm()


class Alone:
    """A model that nobody stands in for."""

    def pass_on(self) -> bool:
        return False
