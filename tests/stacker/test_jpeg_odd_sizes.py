"""JPEGs of odd sizes: nothing of what lies behind a plane in memory may get into the file."""

from io import BytesIO

import numpy as np
import pytest
import simplejpeg

from stacker.formats import jpeg
from stacker.formats.metadata import Metadata
from stacker.planes import Planes


def grey_before(fill, height, width):
    """An even grey picture whose luma plane is followed in memory by other values."""
    buffer = np.full(height * width + 4 * width, fill, np.uint8)
    luma = buffer[: height * width].reshape(height, width)
    luma[:] = 100
    chroma = np.full(((height + 1) // 2, (width + 1) // 2), 128, np.uint8)
    return Planes(luma, chroma, chroma.copy(), 1)


@pytest.mark.parametrize("fill", [0, 255])
@pytest.mark.parametrize("size", [(189, 253), (189, 254), (190, 253), (1, 1), (17, 33)])
def test_an_even_picture_of_odd_size_stays_even(size, fill):
    file = BytesIO()
    jpeg.write(file, grey_before(fill, *size), 95, Metadata())
    written = simplejpeg.decode_jpeg(file.getvalue(), "GRAY")[..., 0]
    assert written.shape == size
    assert np.unique(written).tolist() == [100]
