"""Every figure that the README quotes has a command here that prints it."""

import core  # noqa: F401  (sets how OpenMP waits, before torch is loaded)
