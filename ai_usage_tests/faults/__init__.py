"""Every fault that the simulator knows, against every endpoint, the disk and the process itself."""
