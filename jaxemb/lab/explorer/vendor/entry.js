// The libraries of the page, as one global: `python -m jaxemb.lab.explorer.vendoring` bundles them.
export { zoom, zoomIdentity } from "d3-zoom";
export { select } from "d3-selection";
export { quadtree } from "d3-quadtree";
export { default as uPlot } from "uplot";
export { EigenvalueDecomposition, Matrix } from "ml-matrix";
