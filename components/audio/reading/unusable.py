"""`Unusable`, audio that can't be used, and the reason that is counted."""


class Unusable(ValueError):
    """Audio that can't be used.

    Attributes:
      reason: The name that is counted.
      detail: One sentence for a person.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
