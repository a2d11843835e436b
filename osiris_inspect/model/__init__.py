"""Value types and file formats of a run. Modules of this package open no files and print nothing."""
