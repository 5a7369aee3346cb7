"""Where pictures come from: cameras, watched folders, uploads."""
