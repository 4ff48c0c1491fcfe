"""The simulated demo shop: a corpus whose users' interests are known because we planted them."""
