"""Memory itself: taking turns in, finding them again, ranking, packing, forgetting."""
