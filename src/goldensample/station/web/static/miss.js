// A missed defect: a brush on the picture, what teaching it would cost, and an engineer's yes.
import { _, ask, ngettext, say, send } from "./station.js";

const panel = document.getElementById("miss");
const picture = document.querySelector(".stage .picture");
const layer = picture?.querySelector(".mark");
const { record } = document.querySelector(".view[data-record]").dataset;
const brush = document.getElementById("brush");
const save = document.getElementById("mark-save");
const undo = document.getElementById("mark-undo");
const told = document.getElementById("miss-told");
const asking = document.getElementById("cost");
const teaching = document.getElementById("teach");
const strokes = JSON.parse(panel.dataset.strokes);
let seen = null;
let stroke = null;

/** Give the column and row of the picture at a pointer. */
function place(event) {
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(picture.getScreenCTM().inverse());
  return [Math.round(10 * at.x) / 10, Math.round(10 * at.y) / 10];
}

const width = () => (Math.max(picture.viewBox.baseVal.width, picture.viewBox.baseVal.height) * brush.value) / 100;

function draw(line, points) {
  line.setAttribute("points", [...points, points.at(-1)].join(" "));
}

function changed() {
  save.disabled = undo.disabled = !strokes.length;
  seen = null;
  if (asking) asking.disabled = true; // until what is drawn is kept
  if (teaching) teaching.hidden = true;
}

function begin(event) {
  if (event.button !== 0) return;
  event.preventDefault();
  picture.setPointerCapture(event.pointerId);
  stroke = { width: Math.round(10 * width()) / 10, points: [place(event)] };
  strokes.push(stroke);
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  line.setAttribute("stroke-width", stroke.width);
  layer.append(line);
  draw(line, stroke.points);
  changed();
}

function go(event) {
  if (!stroke) return;
  const [column, row] = place(event);
  const [before, above] = stroke.points.at(-1);
  if (Math.hypot(column - before, row - above) < stroke.width / 8) return;
  stroke.points.push([column, row]);
  draw(layer.lastElementChild, stroke.points);
}

/** Say what teaching would cost. */
function costs({ found, tested, alarms }) {
  if (!found) return _("It cannot be told from good parts: whatever would find it would call good parts defects, too. It stays in the list of misses. Sharper or closer pictures, and learning anew in Set up, may help.");
  const become = ngettext("Of %(tested)s good parts tried, %(num)s would become a false alarm.", "Of %(tested)s good parts tried, %(num)s would become false alarms.", alarms, { tested, num: alarms });
  return [_("Such a defect would be found from now on."), become, _("Afterwards the promised rate of false alarms holds no longer, until the limits are set anew. It can be undone.")].join(" ");
}

async function count() {
  asking.disabled = true;
  told.textContent = _("Trying it on good parts. This may take a minute…");
  try {
    seen = await (await ask(`/api/records/${record}/teaching-cost`)).json();
    told.textContent = costs(seen);
    teaching.hidden = !seen.found;
  } catch (error) {
    told.textContent = error.message;
  }
  asking.disabled = false;
}

if (picture && brush) {
  picture.classList.add("marking");
  picture.addEventListener("pointerdown", begin);
  picture.addEventListener("pointermove", go);
  for (const end of ["pointerup", "pointercancel"]) picture.addEventListener(end, () => (stroke = null));
  undo.disabled = !strokes.length;
  undo.addEventListener("click", () => {
    strokes.pop();
    layer.lastElementChild.remove();
    changed();
  });
  brush.addEventListener("input", () => brush.setAttribute("aria-valuetext", _("%(value)s %% of the picture", { value: brush.value })));
  save.addEventListener("click", async () => {
    save.disabled = true;
    try {
      await send(`/api/records/${record}/mark`, { strokes }, "PUT");
      if (asking) await count();
      else told.textContent = _("Marked. An engineer decides whether it is taught.");
    } catch (error) {
      save.disabled = false;
      say(error.message);
    }
  });
  panel.scrollIntoView({ block: "nearest" });
}
asking?.addEventListener("click", count);
teaching?.addEventListener("click", async () => {
  teaching.disabled = true;
  told.textContent = _("Teaching…");
  try {
    const { revision } = await (await send(`/api/records/${record}/teach`, seen)).json();
    sessionStorage.setItem("golden-told", _("Taught: revision %(revision)s; takes effect from the next picture.", { revision }));
    location.reload();
  } catch (error) {
    teaching.disabled = false;
    told.textContent = error.message;
  }
});
