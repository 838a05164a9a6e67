"""Takes an event in: keeps it, lets the rules decide, and writes what follows, in one transaction."""
