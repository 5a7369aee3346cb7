"""Files of label tools: `formats.read_labels` reads any, `formats.FORMATS` has a writer of each."""
