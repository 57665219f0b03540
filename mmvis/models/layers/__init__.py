"""Building blocks that several models use."""
