"""What cannot be measured without torch."""

from ..exceptions import GradHealthError


class UnmeasurableError(GradHealthError):
    """A network beyond what is worth writing down twice; the message says where."""

    code = "unmeasurable"
