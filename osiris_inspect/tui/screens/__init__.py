"""The screens: the runs of a folder, one run, and pages of text over them."""
