"""Attacks of a hostile driver on its host: the attacks, and the host that they are tried on."""
