"""The article: studies that compute its figures, and the bridge to MkDocs. Not in the wheel."""
