// Points drawn into pixels, without a graphics processor: 20,000 take a few milliseconds.

const STEPS = 16; // of the opacity at the rim of a disc

/** A disc of a radius [pixels]: the offsets of its pixels and their opacity, 0 to 1. */
function disc(radius) {
  const reach = Math.ceil(radius + 0.5);
  const pixels = [];
  for (let y = -reach; y <= reach; y++) {
    for (let x = -reach; x <= reach; x++) {
      const cover = Math.min(1, Math.max(0, radius + 0.5 - Math.hypot(x, y)));
      if (cover > 0.02) pixels.push([x, y, Math.round(cover * STEPS) / STEPS]);
    }
  }
  return { reach, pixels };
}

/** A picture of width x height pixels, to be drawn into. */
export function raster(pen, width, height) {
  const image = pen.createImageData(width, height);
  const bytes = image.data;
  const words = new Uint32Array(bytes.buffer);
  return {
    /** Fill with an opaque colour [red, green, blue]. */
    clear([red, green, blue]) {
      words.fill(((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0);
    },
    /**
     * Discs for points: at(i, place) writes the pixel of point i into place.
     * kind(i) is the place of its radius in `radii`, hue(i) that of its colour in `colours`.
     */
    points(count, at, kind, radii, hue, colours, opacity) {
      const discs = radii.map((radius) => {
        const { reach, pixels } = disc(radius);
        const jump = Int32Array.from(pixels, ([x, y]) => 4 * (y * width + x));
        return { reach, jump, cover: Float32Array.from(pixels, ([, , share]) => share * opacity) };
      });
      const place = [0, 0];
      for (let i = count - 1; i >= 0; i--) {
        at(i, place);
        const [x, y] = [Math.round(place[0]), Math.round(place[1])];
        const { reach, jump, cover } = discs[kind(i)];
        if (x < reach || y < reach || x >= width - reach || y >= height - reach) continue;
        const [red, green, blue] = colours[hue(i)];
        const middle = 4 * (y * width + x);
        for (let p = 0; p < jump.length; p++) {
          const pixel = middle + jump[p];
          const share = cover[p];
          bytes[pixel] += (red - bytes[pixel]) * share;
          bytes[pixel + 1] += (green - bytes[pixel + 1]) * share;
          bytes[pixel + 2] += (blue - bytes[pixel + 2]) * share;
        }
      }
    },
    show() {
      pen.putImageData(image, 0, 0);
    },
  };
}

/** #rrggbb as [red, green, blue]. */
export function rgb(text) {
  return [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
}
