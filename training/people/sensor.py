"""From the light that falls into a camera to the crop that a detector cuts out of its video."""

import cv2
import numpy as np

from .cameras import Sensor


def develop(light: np.ndarray, sensor: Sensor, height: int, width: int, random: np.random.Generator) -> np.ndarray:
    """The picture that a camera makes of linear light (any height, any width, 3): (height, width, 3) uint8."""
    exposed = light * (sensor.white_balance * sensor.exposure * np.exp(random.normal(0, 0.08))).astype(np.float32)
    # The person's size in the camera's own pixels; never more of them than there are to see.
    lines = int(np.clip(sensor.lines * height / 160 * random.uniform(0.75, 1.3), 42, exposed.shape[0]))
    columns = max(16, round(lines * exposed.shape[1] / exposed.shape[0] * random.uniform(0.85, 1.15)))
    image = cv2.resize(exposed, (columns, lines), interpolation=cv2.INTER_AREA)
    image = np.minimum(np.maximum(image, 0) ** np.float32(sensor.gamma / 2.2), 1)
    grey = image.mean(axis=2, keepdims=True)
    image = grey + (image - grey) * np.float32(sensor.saturation)
    image = (image - 0.5) * np.float32(sensor.contrast) + 0.5
    image = image * np.float32(1 - sensor.haze) + (sensor.haze + sensor.tint).astype(np.float32)
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
