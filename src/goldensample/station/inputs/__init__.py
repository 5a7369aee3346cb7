"""Sources of pictures: cameras, watched folders, uploads."""
