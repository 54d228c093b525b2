"""FAQ memories: questions with approved answers, per tenant."""
