"""From turns to statements, summaries and keywords: pure, with rules alone or through one call to a language model."""
