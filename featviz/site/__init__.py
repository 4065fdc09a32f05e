"""The MkDocs side of featviz: pages that run, an article that needs no network."""

from featviz.site.values import Values

__all__ = ["Values"]
