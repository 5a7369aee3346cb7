// A study: numbered pictures, called good or defect by buttons and keys, one after another.
import { _, ask, say, send } from "/static/station.js";

const page = document.getElementById("study");
const element = (name) => document.getElementById(name);

function run() {
  const { key, study } = page.dataset;
  const at = (path) => `/api/products/${encodeURIComponent(key)}/studies/${study}${path}`;
  let turn = { part: page.dataset.part || null, trial: Number(page.dataset.trial), done: Number(page.dataset.done), total: Number(page.dataset.total) };
  let busy = false;

  function show() {
    element("study-turn").hidden = turn.part === null;
    element("study-done").hidden = turn.part !== null;
    element("undo").disabled = turn.done === 0;
    element("study-bar").value = turn.done;
    element("study-count").textContent = _("%(done)s of %(total)s called", { done: turn.done, total: turn.total });
    if (turn.part !== null) element("study-picture").src = at(`/pictures/${turn.part}`);
  }

  /** Do what a person asked for, once: a key pressed twice calls one part, not two. */
  async function once(act) {
    if (busy) return;
    busy = true;
    try {
      turn = await (await act()).json();
      show();
    } catch (error) {
      say(error.message);
    }
    busy = false;
  }

  const call = (said) => turn.part !== null && once(() => send(at("/calls"), { part: turn.part, trial: turn.trial, call: said }));
  const undo = () => turn.done > 0 && once(() => ask(at("/calls/last"), { method: "DELETE" }));

  page.addEventListener("click", (event) => {
    const button = event.target.closest("[data-answer]");
    if (button) call(button.dataset.answer);
  });
  element("undo").addEventListener("click", undo);
  const KEYS = { g: () => call("good"), d: () => call("defect"), z: undo };
  addEventListener("keydown", (event) => {
    const key = event.key.toLowerCase();
    const types = event.target.matches("input, select, textarea");
    const held = event.ctrlKey || event.metaKey;
    if (types || event.altKey || event.repeat || !(key in KEYS) || (held && key !== "z")) return;
    event.preventDefault();
    KEYS[key]();
  });
  show();
}

if (page) run();
// a name that was just set begins the study
else document.getElementById("name-form")?.addEventListener("submit", () => setTimeout(() => location.reload(), 600));
