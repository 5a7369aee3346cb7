// Drawing on a picture, by mouse, touch and keyboard: rectangle, polygon, brush, eraser, undo, zoom.
import { Sheet } from "./sheet.js";
import { _ } from "./station.js";

const NEAR_PX = 16; // to the first corner: a press there closes a polygon
const LEAST_PX = 3; // a rectangle's side on the screen, at least
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const BRUSHES = ["brush", "eraser"];

const away = ([x, y], [left, top]) => Math.hypot(x - left, y - top);

/** Layers of shapes on one picture; `changed` is called with whatever is drawn or taken back. */
export class Drawing {
  #begun = null; // the shape under the hand
  #cross = null; // where the keyboard is
  #keyed = false; // whether keys are used now
  #down = false; // whether the keyboard's brush is down
  #pointers = new Map();
  #past = [];
  #future = [];
  #saying = 0;

  constructor(root, layers, changed) {
    [this.root, this.changed] = [root, changed];
    this.layers = new Map(Object.entries(layers));
    [this.active] = this.layers.keys();
    this.sheet = new Sheet(root);
    this.said = root.querySelector("[data-said]");
    this.wide = root.querySelector("[data-wide]");
    this.tool = root.querySelector("[data-tool][aria-pressed=true]").dataset.tool;
    root.querySelector(".tools").addEventListener("click", (event) => this.#press(event.target.closest("button")));
    const acts = { pointerdown: this.#start, pointermove: this.#go, pointerup: this.#end, pointercancel: this.#drop, wheel: this.#wheel, dblclick: this.#twice, keydown: this.#key, blur: this.#lift, focus: this.paint };
    for (const [name, act] of Object.entries(acts)) this.sheet.canvas.addEventListener(name, act.bind(this), { passive: false });
    this.wide.addEventListener("input", () => this.wide.setAttribute("aria-valuetext", _("%(value)s %% of the picture", { value: this.wide.value })));
    new ResizeObserver(() => this.paint()).observe(this.sheet.canvas);
    this.paint();
  }

  get shapes() {
    return this.layers.get(this.active).shapes;
  }

  /** Give all that is drawn, by layer. */
  drawn() {
    return Object.fromEntries([...this.layers].map(([key, { shapes }]) => [key, shapes]));
  }

  /** Draw on this layer from now on. */
  choose(key) {
    this.cancel();
    this.active = key;
    this.paint();
  }

  add(key, layer) {
    this.layers.set(key, layer);
    this.choose(key);
  }

  remove(key) {
    this.layers.delete(key);
    [this.#past, this.#future] = [[], []];
    this.choose(this.layers.has(this.active) ? this.active : this.layers.keys().next().value);
  }

  cancel() {
    [this.#begun, this.#down] = [null, false];
    this.paint();
  }

  paint() {
    const keyed = this.#keyed && document.activeElement === this.sheet.canvas;
    this.sheet.paint(this.layers, this.active, this.#begun, keyed ? this.#cross : null);
    const can = { undo: this.#past.length, redo: this.#future.length, clear: this.shapes.length, close: this.#begun?.kind === "polygon" && this.#begun.points.length > 2 };
    for (const [act, is] of Object.entries(can)) this.root.querySelector(`[data-act=${act}]`).disabled = !is;
  }

  /** Say what happened to those who do not see it; many at once as one. */
  #say(words) {
    clearTimeout(this.#saying);
    this.#saying = setTimeout(() => (this.said.textContent = words), 120);
  }

  /** Have other shapes on a layer; `undo` comes back to those before. */
  #keep(key, shapes) {
    this.#past.push([key, this.layers.get(key).shapes]);
    this.#future = [];
    this.#put(key, shapes);
  }

  #put(key, shapes) {
    this.layers.get(key).shapes = shapes;
    this.active = key;
    this.cancel();
    this.changed();
  }

  #finish() {
    const shape = this.#begun;
    this.#keep(this.active, [...this.shapes, shape]);
    this.#say({ rectangle: _("Rectangle drawn."), polygon: _("Polygon drawn."), brush: shape.erase ? _("Erased.") : _("Stroke drawn.") }[shape.kind]);
  }

  #back(from, to) {
    if (this.#begun) return this.cancel();
    if (!from.length) return;
    const [key, shapes] = from.pop();
    to.push([key, this.layers.get(key).shapes]);
    this.#put(key, shapes);
    this.#say(from === this.#past ? _("Taken back.") : _("Done again."));
  }

  undo() {
    this.#back(this.#past, this.#future);
  }

  redo() {
    this.#back(this.#future, this.#past);
  }

  #press(button) {
    if (!button) return;
    const { tool, act } = button.dataset;
    if (tool) {
      this.cancel();
      this.tool = tool;
      for (const one of this.root.querySelectorAll("[data-tool]")) one.setAttribute("aria-pressed", one === button);
    }
    const middle = [this.sheet.view[0] + this.sheet.view[2] / 2, this.sheet.view[1] + this.sheet.view[3] / 2];
    if (act === "undo") this.undo();
    if (act === "redo") this.redo();
    if (act === "clear") this.#keep(this.active, []);
    if (act === "close") this.#finish();
    if (act === "in") this.#enlarge(1.5, middle);
    if (act === "out") this.#enlarge(1 / 1.5, middle);
    if (act === "whole") this.#enlarge(0, middle);
  }

  #enlarge(factor, place) {
    this.sheet.enlarge(factor, place);
    this.paint();
    this.#say(_("Zoom %(percent)s %%", { percent: Math.round(100 * this.sheet.zoom) }));
  }

  /** Begin, go on with or end a shape at a place: what pointer and keyboard have in common. */
  #begin(place) {
    const at = this.sheet.within(place);
    if (BRUSHES.includes(this.tool)) {
      const width = Math.max(Math.round((10 * this.sheet.longest * this.wide.value) / 100) / 10, 1);
      this.#begun = { kind: "brush", points: [at], width, erase: this.tool === "eraser" };
    } else if (this.tool === "rectangle") this.#begun = { kind: "rectangle", points: [at, at] };
    else this.#corner(at);
  }

  #corner(at) {
    const points = this.#begun?.points ?? [];
    if (points.length > 2 && away(at, points[0]) * this.sheet.scale < NEAR_PX) return this.#finish();
    if (!points.length || away(at, points.at(-1)) > 0) this.#begun = { kind: "polygon", points: [...points, at] };
    this.#say(_("Corner %(number)s: column %(column)s, row %(row)s", { number: this.#begun.points.length, column: Math.round(at[0]), row: Math.round(at[1]) }));
  }

  #extend(place) {
    const at = this.sheet.within(place);
    const { kind, points, width } = this.#begun;
    if (kind === "rectangle") points[1] = at;
    else if (away(at, points.at(-1)) >= width / 8) points.push(at);
  }

  /** End a rectangle or a stroke, unless it is too small to be meant. */
  #complete() {
    const { kind, points } = this.#begun;
    const [first, last] = [points[0], points.at(-1)];
    const least = Math.min(Math.abs(first[0] - last[0]), Math.abs(first[1] - last[1])) * this.sheet.scale;
    if (kind === "rectangle" && least < LEAST_PX) return this.cancel();
    return this.#finish();
  }

  #start(event) {
    if (event.button > 1) return;
    event.preventDefault();
    this.sheet.canvas.focus({ preventScroll: true });
    this.#keyed = false;
    this.sheet.canvas.setPointerCapture(event.pointerId);
    const at = [event.clientX, event.clientY];
    this.#pointers.set(event.pointerId, { at, from: at, pans: this.tool === "move" || event.button === 1 });
    if (this.#pointers.size > 1) {
      if (this.#begun?.kind !== "polygon") this.cancel();
      for (const one of this.#pointers.values()) one.pans = true;
    } else if (!this.#pointers.get(event.pointerId).pans && this.tool !== "polygon") this.#begin(this.sheet.at(...at));
    this.paint();
  }

  #go(event) {
    const one = this.#pointers.get(event.pointerId);
    if (!one) return;
    const before = one.at;
    one.at = [event.clientX, event.clientY];
    if (one.pans) this.#pan(event.pointerId, before, one.at);
    else if (this.#begun && this.tool !== "polygon") this.#extend(this.sheet.at(...one.at));
    this.paint();
  }

  /** Move the picture with one finger or the mouse; enlarge it with two. */
  #pan(number, before, now) {
    const other = [...this.#pointers].find(([id]) => id !== number)?.[1].at;
    const [from, to] = [this.sheet.at(...before), this.sheet.at(...now)];
    const share = other ? 0.5 : 1; // the middle of two fingers goes half as far
    this.sheet.move(share * (from[0] - to[0]), share * (from[1] - to[1]));
    if (!other) return;
    const middle = [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2];
    this.sheet.enlarge(away(now, other) / Math.max(away(before, other), 1), this.sheet.at(...middle));
  }

  #end(event) {
    const one = this.#pointers.get(event.pointerId);
    this.#pointers.delete(event.pointerId);
    if (!one || one.pans) return;
    if (this.tool === "polygon") this.#begin(this.sheet.at(...one.at));
    else if (this.#begun) this.#complete();
    this.paint();
  }

  #drop(event) {
    this.#pointers.delete(event.pointerId);
    if (this.#begun?.kind !== "polygon") this.cancel();
  }

  #twice(event) {
    event.preventDefault();
    if (this.#begun?.kind === "polygon" && this.#begun.points.length > 2) this.#finish();
  }

  #wheel(event) {
    event.preventDefault();
    this.#enlarge(Math.exp(-event.deltaY / 400), this.sheet.at(event.clientX, event.clientY));
  }

  /** Lift the keyboard's brush where the keyboard goes elsewhere. */
  #lift() {
    if (this.#down) this.#finish();
    else this.paint();
  }

  #key(event) {
    const held = event.ctrlKey || event.metaKey;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    this.#cross ??= [this.sheet.view[0] + this.sheet.view[2] / 2, this.sheet.view[1] + this.sheet.view[3] / 2];
    const acts = {
      Enter: () => this.#set(),
      " ": () => this.#set(),
      Escape: () => this.cancel(),
      Backspace: () => this.#less(),
      z: () => this.undo(),
      c: () => this.#begun?.kind === "polygon" && this.#begun.points.length > 2 && this.#finish(),
      "+": () => this.#enlarge(1.5, this.#cross),
      "-": () => this.#enlarge(1 / 1.5, this.#cross),
      0: () => this.#enlarge(0, this.#cross),
    };
    const act = held ? { z: () => (event.shiftKey ? this.redo() : this.undo()), y: () => this.redo() }[key] : key in ARROWS ? () => this.#walk(ARROWS[key], event.shiftKey) : acts[key];
    if (!act || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.#keyed = true;
    act();
    this.paint();
  }

  #walk([across, down], small) {
    const step = small ? 1 : Math.max(Math.round(Math.max(this.sheet.view[2], this.sheet.view[3]) / 40), 1);
    this.#cross = this.sheet.within([this.#cross[0] + across * step, this.#cross[1] + down * step]);
    this.sheet.reveal(this.#cross);
    if (this.#begun && this.#begun.kind !== "polygon") this.#extend(this.#cross);
    this.#say(_("Column %(column)s, row %(row)s", { column: Math.round(this.#cross[0]), row: Math.round(this.#cross[1]) }));
  }

  /** Set a corner, or put the brush down or lift it, where the crosshair is. */
  #set() {
    if (this.tool === "move") return;
    if (this.tool !== "polygon" && this.#begun) return this.#complete();
    this.#begin(this.#cross);
    if (this.tool === "rectangle") this.#say(_("First corner set; go to the opposite one."));
    this.#down = BRUSHES.includes(this.tool);
    if (this.#down) this.#say(_("Brush down; the arrow keys draw."));
  }

  #less() {
    const points = this.#begun?.kind === "polygon" ? this.#begun.points.slice(0, -1) : [];
    this.#begun = points.length ? { kind: "polygon", points } : null;
    this.#say(_("Corner taken back."));
  }
}
