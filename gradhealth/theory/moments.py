"""Forward statistics of a signal in a wide random network."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Moments:
    """How the elements of a signal are distributed over units and initialisations.

    Attributes:
        mean: Of one element.
        variance: Of one element, q of mean-field theory (Poole 2016).
        covariance: Of one unit between two different samples (or positions).
    """

    mean: float
    variance: float
    covariance: float

    @property
    def square(self) -> float:
        """E[x^2]."""
        return self.variance + self.mean * self.mean

    @property
    def product(self) -> float:
        """E[x_a x_b] of two samples."""
        return self.covariance + self.mean * self.mean

    @property
    def correlation(self) -> float:
        """Of a unit between two samples, from -1 to 1."""
        if self.variance <= 0:
            return 1.0
        return max(-1.0, min(1.0, self.covariance / self.variance))

    def times(self, factor_square: float) -> "Moments":
        """Of s x, by s^2."""
        return Moments(
            self.mean * factor_square**0.5,
            self.variance * factor_square,
            self.covariance * factor_square,
        )

    def plus(self, other: "Moments", factor: float, factor_square: float) -> "Moments":
        """Of x + s y, x and y independent, by E[s] and E[s^2]."""
        spread = (factor_square - factor * factor) * other.mean * other.mean
        return Moments(
            self.mean + factor * other.mean,
            self.variance + factor_square * other.variance + spread,
            self.covariance + factor_square * other.covariance + spread,
        )
