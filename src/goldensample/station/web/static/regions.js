// Regions of interest, zones and the reference of a product, drawn on one of its pictures.
import { Drawing } from "./drawing.js";
import { _, say, send } from "./station.js";

const COLOURS = ["#ffb000", "#b07cff", "#00d084", "#ff6fb5", "#c8e600", "#7fd4ff"];
const page = document.getElementById("regions");
const { address, back, picture } = page.dataset;
const carried = sessionStorage.getItem(`golden-drawn ${address}`); // from the picture shown before
const drawn = JSON.parse(carried ?? page.dataset.drawn);
sessionStorage.removeItem(`golden-drawn ${address}`);
const list = document.getElementById("zones");
const degrees = document.getElementById("degrees");
const { width, height } = page.querySelector("svg.picture").viewBox.baseVal;
let zones = 0;

/** Give shapes in pixels of the picture that is shown, where they were drawn on a larger one. */
function scaled(shapes) {
  const [rows, columns] = drawn.size_hw;
  if (rows === height && columns === width) return shapes;
  const [down, across] = [height / rows, width / columns];
  return shapes.map((one) => ({ ...one, width: one.width * across, points: one.points.map(([column, row]) => [column * across, row * down]) }));
}

const layers = {
  look_at: { colour: "#2fd3ff", label: _("look here"), shapes: scaled(drawn.look_at) },
  ignore: { colour: "#ff4a2a", label: _("leave out"), shapes: scaled(drawn.ignore) },
};
const drawing = new Drawing(page.querySelector(".stage"), layers, () => {});

function paintSwatches() {
  for (const [key, { colour }] of drawing.layers) page.querySelector(`[data-swatch="${key}"]`).style.background = colour;
}

/** Add a zone to the list and to the drawing; it is drawn next. */
function addZone({ name, limit, shapes }) {
  zones += 1;
  const key = `zone-${zones}`;
  const item = document.getElementById("zone-item").content.cloneNode(true).querySelector("li");
  const [chosen, named] = [item.querySelector("[name=layer]"), item.querySelector("[data-name]")];
  item.dataset.zone = key;
  item.querySelector(".swatch").dataset.swatch = chosen.value = key;
  named.value = name;
  item.querySelector("[data-limit]").value = limit;
  named.addEventListener("input", () => {
    drawing.layers.get(key).label = named.value;
    drawing.paint();
  });
  item.querySelector("[data-remove]").addEventListener("click", () => {
    item.remove();
    drawing.remove(key);
    page.querySelector(`[name=layer][value="${drawing.active}"]`).checked = true;
  });
  list.append(item);
  drawing.add(key, { colour: COLOURS[(zones - 1) % COLOURS.length], label: name, shapes: scaled(shapes) });
  paintSwatches();
  return chosen;
}

/** Give what is drawn, as the station takes it. */
function wanted() {
  const shapes = drawing.drawn();
  const named = [...list.children].map((item) => ({
    name: item.querySelector("[data-name]").value,
    limit: Number(item.querySelector("[data-limit]").value),
    shapes: shapes[item.dataset.zone],
  }));
  return { picture: Number(picture), look_at: shapes.look_at, ignore: shapes.ignore, zones: named, degrees: degrees.value ? Number(degrees.value) : null };
}

for (const zone of drawn.zones) addZone(zone);
drawing.choose("look_at");
paintSwatches();
degrees.value = drawn.degrees ?? "";
page.addEventListener("change", (event) => {
  if (event.target.name === "layer") drawing.choose(event.target.value);
});
document.getElementById("add-zone").addEventListener("click", () => {
  const chosen = addZone({ name: _("zone %(number)s", { number: zones + 1 }), limit: 1, shapes: [] });
  chosen.checked = true;
  chosen.closest("li").querySelector("[data-name]").select();
});
document.getElementById("drawn-on")?.addEventListener("change", (event) => {
  sessionStorage.setItem(`golden-drawn ${address}`, JSON.stringify({ ...wanted(), size_hw: [height, width] }));
  location.assign(`?${new URLSearchParams({ picture: event.target.value })}`);
});
document.getElementById("keep").addEventListener("click", async () => {
  const wrong = [...list.querySelectorAll("input")].find((one) => !one.reportValidity());
  const bare = wanted().zones.find((one) => !one.shapes.length);
  if (bare) say(_("Draw the zone %(name)s on the picture, or remove it.", { name: bare.name }));
  if (wrong || bare) return;
  try {
    await send(address, wanted(), "PUT");
    location.assign(back);
  } catch (error) {
    say(error.message);
  }
});
