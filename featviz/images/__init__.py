"""What an ascent moves: pixels or a spectrum, free or under the bound, and how it is shaken."""

from featviz.images.fourier import Fourier as Fourier
from featviz.images.maco import Maco as Maco
from featviz.images.natural import Natural as Natural
from featviz.images.natural import bounded as bounded
from featviz.images.pixels import Parameterization as Parameterization
from featviz.images.pixels import Pixels as Pixels
from featviz.images.pixels import UnboundedPixels as UnboundedPixels
from featviz.images.transforms import Affine as Affine
from featviz.images.transforms import Jitter as Jitter
from featviz.images.transforms import Pad as Pad
from featviz.images.transforms import Rotate as Rotate
from featviz.images.transforms import Scale as Scale
from featviz.images.transforms import Transform as Transform
from featviz.images.transparency import Transparent as Transparent
