"""What featviz claims about its gradient ascent, measured side by side in one run."""
