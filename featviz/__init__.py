"""featviz shows what a convolutional network has learned.

Public names stand in the stub beside this file. They are imported when they are first used, so
that `import featviz` costs nothing: the site's builder needs no torch.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
