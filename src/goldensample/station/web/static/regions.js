// Regions of interest, zones and the reference of a product, drawn on one of its pictures.
import { Drawing } from "./drawing.js";
import { _, ngettext, say, send } from "./station.js";

const COLOURS = ["#ffb000", "#b07cff", "#00d084", "#ff6fb5", "#c8e600", "#7fd4ff"];
const page = document.getElementById("regions");
const { address, back, picture, revision } = page.dataset;
const carried = sessionStorage.getItem(`golden-drawn ${address}`); // from the picture shown before
const drawn = JSON.parse(carried ?? page.dataset.drawn);
sessionStorage.removeItem(`golden-drawn ${address}`);
const list = document.getElementById("zones");
const degrees = document.getElementById("degrees");
const trying = document.getElementById("try");
const tried = document.getElementById("tried");
const keeping = document.getElementById("keep");
const WORDS = { good: _("good"), review: _("look again"), defect: _("defect"), error: _("no verdict") };
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
const drawing = new Drawing(page.querySelector(".stage"), layers, changed);

/** Have what is drawn on a product tried again before it is kept. */
function changed() {
  if (trying) keeping.disabled = true;
}

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
  const all = { picture: Number(picture), look_at: shapes.look_at, ignore: shapes.ignore, zones: named };
  return trying ? { ...all, revision: Number(revision) } : { ...all, degrees: degrees.value ? Number(degrees.value) : null };
}

for (const zone of drawn.zones) addZone(zone);
drawing.choose("look_at");
paintSwatches();
if (degrees) degrees.value = drawn.degrees ?? "";
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
list.addEventListener("input", changed);

/** Do something with what is drawn, once it is whole; say what went wrong. */
async function attempt(act) {
  const wrong = [...list.querySelectorAll("input")].find((one) => !one.reportValidity());
  const bare = wanted().zones.find((one) => !one.shapes.length);
  if (bare) say(_("Draw the zone %(name)s on the picture, or remove it.", { name: bare.name }));
  if (wrong || bare) return;
  try {
    await act(wanted());
  } catch (error) {
    say(error.message);
  }
}

/** Say what regions would change, one sentence a line. */
function tell({ pictures, moves, holds, silenced }) {
  const other = moves.reduce((sum, { count }) => sum + count, 0);
  const lines = [
    other
      ? ngettext("Of %(num)s stored picture, %(changed)s would get another verdict:", "Of %(num)s stored pictures, %(changed)s would get another verdict:", pictures, { changed: other })
      : ngettext("Of %(num)s stored picture, none would get another verdict.", "Of %(num)s stored pictures, none would get another verdict.", pictures),
    ...moves.map(({ before, after, count }) => `${count}: ${WORDS[before]} → ${WORDS[after]}`),
    holds ? _("The limits stay, and so does what they promise.") : _("Good parts may score higher in a stricter zone: the limits promise nothing then, until they are set anew."),
  ];
  if (silenced) lines.push(_("Whether something is missing, or there is too much of it, is no longer judged then."));
  lines.push(_("It can be reverted."));
  tried.replaceChildren(
    ...lines.map((words) => Object.assign(document.createElement("p"), { textContent: words })),
  );
}

keeping.addEventListener("click", () =>
  attempt(async (all) => {
    await send(address, all, "PUT");
    location.assign(back);
  }),
);
trying?.addEventListener("click", () =>
  attempt(async (all) => {
    trying.disabled = true;
    tried.textContent = _("Trying it on stored pictures. This may take a minute…");
    try {
      tell(await (await send(`${address}/preview`, all)).json());
      keeping.disabled = false;
    } catch (error) {
      tried.textContent = error.message;
    } finally {
      trying.disabled = false;
    }
  }),
);
document.getElementById("anew")?.addEventListener("click", () =>
  attempt(async (all) => {
    const { draft } = await (await send(`${address}/draft`, all)).json();
    location.assign(`/setup/${draft}`);
  }),
);
