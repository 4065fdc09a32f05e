"""AlexNet's trunk in the reader's browser: its scripts, and the weights that the build writes."""
