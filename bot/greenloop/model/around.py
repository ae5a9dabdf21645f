"""What all models that stand around another one have in common: everything but the call is that one's."""

from __future__ import annotations

from collections.abc import Sequence

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


class Among:
    """Several models, the first of which speaks for all; without `complete`."""

    def __init__(self, models: Sequence[Model]) -> None:
        if not models:
            raise ValueError("there is no model")
        self._models = list(models)

    @property
    def name(self) -> str:
        return self._models[0].name

    @property
    def price(self) -> Price | None:
        """The dearest that may be paid; None when one of them has no known price."""
        known = [price for model in self._models if (price := model.price) is not None]
        if len(known) < len(self._models):
            return None
        if len(known) == 1:
            return known[0]
        return Price(
            input=max(price.input for price in known),
            output=max(price.output for price in known),
            written=max((price.written for price in known if price.written is not None), default=None),
        )


class Alone:
    """A model that nobody stands in for."""

    def pass_on(self) -> bool:
        return False
