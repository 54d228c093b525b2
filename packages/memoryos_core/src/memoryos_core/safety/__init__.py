"""What memory must be guarded against: instructions hidden in what is remembered, secrets in what is stored."""
