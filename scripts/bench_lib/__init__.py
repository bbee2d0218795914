"""What `scripts/make-blog`, `scripts/bench` and `scripts/soak` are made of; the standard library alone."""
