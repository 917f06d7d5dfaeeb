"""What Portunus costs, as ratios of what the machine can do at most and of what others do: `make bench`."""
