"""A tenant as a folder of plain files: written whole from any store, and read into another house."""
