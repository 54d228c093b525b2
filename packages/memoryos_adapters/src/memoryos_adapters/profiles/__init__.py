"""What is wired when: each profile opens the concrete adapters that it stands for."""
