"""All tests: one thread for torch, so that small models don't wait for each other's threads."""

import torch

torch.set_num_threads(1)
