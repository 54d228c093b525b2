"""What becomes of memories after they were taken in: edited, deleted, exported, held back, erased."""
