"""Values: `Run`, `Report`, lineage, timeline, summary, comparison."""
