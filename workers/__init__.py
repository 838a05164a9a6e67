"""Carries out what was decided: drains the outbox into the connected systems and takes in what they answer."""
