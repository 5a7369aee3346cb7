"""Golden Sample: visual inspection that learns from good pictures alone."""
