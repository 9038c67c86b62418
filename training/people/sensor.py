"""From the light that falls into a camera to the crop that a detector cuts out of its video.

What is done to single pixels is compiled by Numba: NumPy takes ten times as long over an axis of three.
"""

import cv2
import numba
import numpy as np

from .cameras import Sensor


def develop(light: np.ndarray, sensor: Sensor, height: int, width: int, random: np.random.Generator) -> np.ndarray:
    """The picture that a camera makes of linear light (any height, any width, 3): (height, width, 3) uint8."""
    exposed = np.empty_like(light)
    gain = sensor.white_balance * sensor.exposure * np.exp(random.normal(0, 0.08))
    _amplify(light, gain.astype(np.float32), exposed)
    # The person's size in the camera's own pixels; never more of them than there are to see.
    lines = int(np.clip(sensor.lines * height / 160 * random.uniform(0.75, 1.3), 42, exposed.shape[0]))
    columns = max(16, round(lines * exposed.shape[1] / exposed.shape[0] * random.uniform(0.85, 1.15)))
    image = cv2.resize(exposed, (columns, lines), interpolation=cv2.INTER_AREA)
    curve = (sensor.gamma / 2.2, sensor.saturation, sensor.contrast, 1 - sensor.haze)
    _tone(image, np.array(curve, np.float32), (sensor.haze + sensor.tint).astype(np.float32))
    image = _blurred(image, sensor, lines / 160, random)
    if sensor.noise > 0.7:
        image = image + random.normal(0, sensor.noise / 255, image.shape).astype(np.float32)
    pixels = np.clip(255 * image, 0, 255).astype(np.uint8)
    quality = int(np.clip(sensor.quality + random.normal(0, 5), 15, 98))
    _, stored = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    pixels = np.ascontiguousarray(cv2.imdecode(stored, cv2.IMREAD_COLOR)[..., ::-1])
    method = cv2.INTER_AREA if lines > height else cv2.INTER_LINEAR
    return cv2.resize(pixels, (width, height), interpolation=method)


def _blurred(image, sensor, scale, random) -> np.ndarray:
    blur = sensor.blur * random.uniform(0.5, 1.3) * max(1.0, scale)
    if blur > 0.3:
        image = cv2.GaussianBlur(image, (0, 0), blur)
    if sensor.sharpened:
        image = image + 0.7 * (image - cv2.GaussianBlur(image, (0, 0), 1.2 * max(1.0, scale)))
    if random.random() < 0.12:  # the person moves while the shutter is open
        length = max(3, round(random.integers(3, 6) * max(1.0, scale)))
        image = cv2.blur(image, (length, 1))
    return image


@numba.njit(cache=True)
def _amplify(light, gain, exposed):
    """Write `light` (height, width, 3) times the `gain` of each channel into `exposed`."""
    for row in range(light.shape[0]):
        for column in range(light.shape[1]):
            for channel in range(3):
                exposed[row, column, channel] = light[row, column, channel] * gain[channel]


@numba.njit(cache=True)
def _tone(image, curve, veil):
    """Turn light into what displays show, in place.

    Args:
        image: (height, width, 3) float32.
        curve: Exponent, saturation, contrast, and the share that `veil` leaves: (4,).
        veil: Added to the channels, (3,).
    """
    exponent, saturation, contrast, share = curve
    zero, half, one, three = np.float32(0), np.float32(0.5), np.float32(1), np.float32(3)
    for row in range(image.shape[0]):
        for column in range(image.shape[1]):
            pixel = image[row, column]
            for channel in range(3):
                pixel[channel] = min(max(pixel[channel], zero) ** exponent, one)
            grey = (pixel[0] + pixel[1] + pixel[2]) / three
            for channel in range(3):
                value = (grey + (pixel[channel] - grey) * saturation - half) * contrast + half
                pixel[channel] = value * share + veil[channel]
