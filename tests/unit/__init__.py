"""One module at a time; the folders mirror the source tree."""
