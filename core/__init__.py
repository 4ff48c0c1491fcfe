"""Tastelines: how each user's interest evolves, and why a recommendation follows from it."""

import os

# Read by OpenMP when torch is loaded: threads that wait give the core away instead of spinning,
# which costs nothing on an idle machine and a factor of ten on a busy one.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
