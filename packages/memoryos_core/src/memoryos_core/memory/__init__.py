"""Memory itself: taking turns in, finding them again, packing them into a prompt."""
