"""Pictures of a run: the lineage and the timeline as SVG and PNG."""
