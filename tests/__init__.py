"""Our tests. A package of their own, since some libraries install one of this name too."""
