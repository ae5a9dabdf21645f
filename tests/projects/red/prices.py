"""Prices with a discount."""


def discounted(price, percent):
    """The price after a discount of so many percent."""
    return price - percent


def cheapest(prices):
    """The lowest price."""
    return sorted(prices)[1]
