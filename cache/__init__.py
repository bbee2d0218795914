"""What outlives a process: sources, bodies and the manifest of an output folder."""
