// What the map needs besides points and labels: lines, arrows, ranges.
import { colour } from "./dom.js";

/** Draw a line with a pen, up to the rim of the point where it ends; `arrow` gives it a head. */
export function drawLine(pen, [ax, ay], [bx, by], strength, arrow) {
  pen.strokeStyle = pen.fillStyle = colour("accent");
  pen.globalAlpha = Math.min(Math.max(strength, 0.15), 1);
  pen.lineWidth = arrow ? 2.2 : 1.2;
  if (arrow) {
    // up to the rim of the point
    const far = Math.hypot(bx - ax, by - ay);
    const share = Math.max(far - 10, 0) / (far || 1);
    [bx, by] = [ax + (bx - ax) * share, ay + (by - ay) * share];
  }
  pen.beginPath();
  pen.moveTo(ax, ay);
  pen.lineTo(bx, by);
  pen.stroke();
  if (arrow && Math.hypot(bx - ax, by - ay) > 24) {
    const turn = Math.atan2(by - ay, bx - ax);
    pen.beginPath();
    pen.moveTo(bx, by);
    for (const side of [2.7, -2.7])
      pen.lineTo(bx + 12 * Math.cos(turn + side), by + 12 * Math.sin(turn + side));
    pen.fill();
  }
  pen.globalAlpha = 1;
}

/** The range of coordinates without the outermost 0.1 % on either side, unless that is empty. */
export function ends(values) {
  const sorted = Float32Array.from(values).sort();
  const cut = Math.floor(sorted.length * 0.001);
  const [low, high] = [sorted[cut], sorted[sorted.length - 1 - cut]];
  return low < high ? [low, high] : [sorted[0], sorted[sorted.length - 1]];
}

/** Pixels a unit, so that two ranges fit into a width and a height; one of 0 fits anywhere. */
export function scaleInto(width, height, across, up) {
  const scale = Math.min(width / across, height / up);
  return Number.isFinite(scale) ? scale : 1;
}

/** The members of several lists, each once. */
export function* ordered(...lists) {
  const past = new Set();
  for (const list of lists) {
    for (const i of list) {
      if (!past.has(i)) yield i;
      past.add(i);
    }
  }
}
