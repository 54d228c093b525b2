"""Which of the turns that a search brought up answer a question: features, their weights, and the sum of both."""
