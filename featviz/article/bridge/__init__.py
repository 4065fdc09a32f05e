"""The bridge: pages that run become native pages of an offline site."""
