"""What the article's pages show: one function per figure, computed through the store."""
