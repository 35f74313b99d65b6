"""One module per kind of picture file; `stacker.imagefile` chooses among them by content."""
