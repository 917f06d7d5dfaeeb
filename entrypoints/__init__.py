"""Ways in: HTTP and the command line, and the container that wires them to the use cases."""
