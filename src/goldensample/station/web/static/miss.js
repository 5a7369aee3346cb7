// A missed defect: drawn on its picture, what teaching it would cost, and an engineer's yes.
import { Drawing } from "./drawing.js";
import { _, ask, ngettext, say, send } from "./station.js";

/** Say what teaching would cost. */
function costs({ found, tested, alarms }) {
  if (!found) return _("It cannot be told from good parts: whatever would find it would call good parts defects, too. It stays in the list of misses. Sharper or closer pictures, and learning anew in Set up, may help.");
  const become = ngettext("Of %(tested)s good parts tried, %(num)s would become a false alarm.", "Of %(tested)s good parts tried, %(num)s would become false alarms.", alarms, { tested, num: alarms });
  return [_("Such a defect would be found from now on."), become, _("Afterwards the promised rate of false alarms holds no longer, until the limits are set anew. It can be undone.")].join(" ");
}

/** Work the part of a page that shows a miss; `taught` is called with words once it is taught. */
export function openMiss(part, taught) {
  const panel = part.querySelector("#miss");
  const { record } = panel.dataset;
  const [save, told, asking, teaching] = ["mark-save", "miss-told", "cost", "teach"].map((id) => part.querySelector(`#${id}`));
  const shapes = JSON.parse(panel.dataset.shapes);
  let seen = null;

  function changed() {
    save.disabled = !drawing.shapes.length;
    seen = null;
    if (asking) asking.disabled = true; // until what is drawn is kept
    if (teaching) teaching.hidden = true;
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

  const drawing = save && new Drawing(part.querySelector(".stage"), { mark: { colour: "#ff3df2", shapes } }, changed);
  save?.addEventListener("click", async () => {
    save.disabled = true;
    try {
      await send(`/api/records/${record}/mark`, { shapes: drawing.shapes }, "PUT");
      if (asking) await count();
      else told.textContent = _("Marked. An engineer decides whether it is taught.");
    } catch (error) {
      save.disabled = false;
      say(error.message);
    }
  });
  asking?.addEventListener("click", count);
  teaching?.addEventListener("click", async () => {
    teaching.disabled = true;
    told.textContent = _("Teaching…");
    try {
      const { revision } = await (await send(`/api/records/${record}/teach`, seen)).json();
      taught(_("Taught: revision %(revision)s; takes effect from the next picture.", { revision }));
    } catch (error) {
      teaching.disabled = false;
      told.textContent = error.message;
    }
  });
  if (drawing) panel.scrollIntoView({ block: "nearest" });
}
