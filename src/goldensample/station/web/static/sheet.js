// A picture that is drawn on: which part of it is seen, and what is drawn shown over it.

const MOST = 40; // times larger than the whole picture

/** Give points as a path of the canvas, a single one as a dot. */
function trace(pen, points, closed) {
  pen.beginPath();
  for (const [column, row] of [...points, points.at(-1)]) pen.lineTo(column, row);
  if (closed) pen.closePath();
}

/** Give the corners of a shape that has an inside. */
export function corners({ kind, points }) {
  if (kind !== "rectangle") return points;
  const [[left, top], [right, bottom]] = points;
  return [[left, top], [right, top], [right, bottom], [left, bottom]];
}

/** A picture's svg with a canvas over it; the view can be moved and enlarged. */
export class Sheet {
  constructor(root) {
    this.canvas = root.querySelector("canvas");
    this.svg = root.querySelector("svg.picture");
    const { width, height } = this.svg.viewBox.baseVal;
    [this.width, this.height] = [width, height];
    this.view = [0, 0, width, height];
  }

  get longest() {
    return Math.max(this.width, this.height);
  }

  /** How many times larger than the whole picture it is shown. */
  get zoom() {
    return this.width / this.view[2];
  }

  /** Pixels of the screen to one of the picture. */
  get scale() {
    return this.svg.getScreenCTM().a;
  }

  /** Give the column and row of the picture at a place of the screen. */
  at(x, y) {
    const point = new DOMPoint(x, y).matrixTransform(this.svg.getScreenCTM().inverse());
    return [point.x, point.y];
  }

  /** Give the nearest place on the picture, in tenths of a pixel. */
  within([column, row]) {
    const keep = (value, most) => Math.round(10 * Math.min(Math.max(value, 0), most)) / 10;
    return [keep(column, this.width), keep(row, this.height)];
  }

  /** Show a part of the picture: its left upper corner, and how many times larger. */
  show(left, top, zoom) {
    const times = Math.min(Math.max(zoom, 1), MOST);
    const [width, height] = [this.width / times, this.height / times];
    const keep = (value, most) => Math.min(Math.max(value, 0), most);
    this.view = [keep(left, this.width - width), keep(top, this.height - height), width, height];
    this.svg.setAttribute("viewBox", this.view.join(" "));
  }

  /** Enlarge by a factor around a place of the picture, which stays where it is. */
  enlarge(factor, [column, row]) {
    const zoom = Math.min(Math.max(this.zoom * factor, 1), MOST);
    const share = this.zoom / zoom;
    this.show(column - (column - this.view[0]) * share, row - (row - this.view[1]) * share, zoom);
  }

  move(columns, rows) {
    this.show(this.view[0] + columns, this.view[1] + rows, this.zoom);
  }

  /** Have a place in view. */
  reveal([column, row]) {
    const [left, top, width, height] = this.view;
    const over = (value, start, side) => Math.min(value - start, 0) + Math.max(value - start - side, 0);
    this.move(over(column, left, width), over(row, top, height));
  }

  /** Paint layers ({ colour, shapes }), the one in hand stronger, the shape begun, and a crosshair. */
  paint(layers, active, begun, cross) {
    const dots = devicePixelRatio || 1;
    const box = this.canvas.getBoundingClientRect();
    [this.canvas.width, this.canvas.height] = [Math.round(box.width * dots), Math.round(box.height * dots)];
    const pen = this.canvas.getContext("2d");
    const matrix = this.svg.getScreenCTM();
    const place = [matrix.a * dots, 0, 0, matrix.d * dots, (matrix.e - box.left) * dots, (matrix.f - box.top) * dots];
    const aside = document.createElement("canvas");
    [aside.width, aside.height] = [Math.max(this.canvas.width, 1), Math.max(this.canvas.height, 1)];
    const ink = aside.getContext("2d");
    for (const [key, { colour, label, shapes }] of layers) {
      ink.setTransform(1, 0, 0, 1, 0, 0);
      ink.clearRect(0, 0, aside.width, aside.height);
      ink.setTransform(...place);
      ink.beginPath();
      ink.rect(0, 0, this.width, this.height);
      ink.save();
      ink.clip();
      const all = key === active && begun ? [...shapes, begun] : shapes;
      for (const shape of all) this.#fill(ink, shape, colour);
      ink.restore();
      pen.globalAlpha = key === active ? 0.5 : 0.25;
      pen.drawImage(aside, 0, 0);
      pen.globalAlpha = 1;
      if (label && all.length) this.#name(pen, label, all[0], dots);
    }
    pen.setTransform(...place);
    if (begun && begun.kind !== "brush") this.#outline(pen, begun);
    if (cross) this.#crosshair(pen, cross);
  }

  /** Write a layer's name into its first shape: layers differ in more than colour. */
  #name(pen, label, { points }, dots) {
    const [column, row] = [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);
    const at = new DOMPoint(column, row).matrixTransform(this.svg.getScreenCTM());
    const box = this.canvas.getBoundingClientRect();
    pen.font = `600 ${13 * dots}px system-ui, sans-serif`;
    pen.textAlign = "center";
    pen.lineWidth = 3 * dots;
    [pen.strokeStyle, pen.fillStyle] = ["#000", "#fff"];
    const place = [label, (at.x - box.left) * dots, (at.y - box.top) * dots];
    pen.strokeText(...place);
    pen.fillText(...place);
  }

  #fill(ink, shape, colour) {
    ink.globalCompositeOperation = shape.erase ? "destination-out" : "source-over";
    ink.fillStyle = ink.strokeStyle = colour;
    if ((shape.kind ?? "brush") === "brush") {
      ink.lineCap = ink.lineJoin = "round";
      ink.lineWidth = shape.width;
      trace(ink, shape.points, false);
      return ink.stroke();
    }
    trace(ink, corners(shape), true);
    ink.fill("evenodd");
  }

  /** Draw the edge of the shape begun, and its corners. */
  #outline(pen, shape) {
    for (const [colour, wide] of [["#000", 4], ["#fff", 2]]) {
      pen.strokeStyle = pen.fillStyle = colour;
      pen.lineWidth = wide / this.scale;
      trace(pen, corners(shape), shape.kind === "rectangle");
      pen.stroke();
      for (const [column, row] of shape.points) {
        pen.beginPath();
        pen.arc(column, row, (wide + 2) / this.scale, 0, 2 * Math.PI);
        pen.fill();
      }
    }
  }

  #crosshair(pen, [column, row]) {
    const arm = 16 / this.scale;
    for (const [colour, wide] of [["#000", 5], ["#fff", 2]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = wide / this.scale;
      pen.beginPath();
      for (const [x, y] of [[arm, 0], [0, arm]]) {
        pen.moveTo(column - x, row - y);
        pen.lineTo(column + x, row + y);
      }
      pen.stroke();
    }
  }
}
