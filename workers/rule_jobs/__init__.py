"""Proofs and simulations of rule texts, carried out beside the daily work."""
