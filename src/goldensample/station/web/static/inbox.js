// The inbox: one picture at a time, answered by keys or buttons; every answer can be taken back.
import { effect, give, giveToPart } from "./answers.js";
import { openMiss } from "./miss.js";
import { _, ask, listen, product, put, say, showWaiting } from "./station.js";

const waits = document.getElementById("waits");
const last = document.getElementById("last");
const undoing = document.getElementById("undo");
const marking = document.getElementById("mark-where");
const order = document.getElementById("order");
const given = JSON.parse(sessionStorage.getItem("golden-given") ?? "[]").filter((one) => one.ids);
let working = Promise.resolve();
let answering = false;

const ANSWERS = { good: _("good"), defect: _("defect"), unsure: _("unsure") };
const shown = () => waits.querySelector(".view[data-record]");
const missed = () => waits.querySelector(".view[data-missed]");

async function show(record) {
  const asked = new URLSearchParams({ product, order: order.value });
  if (record) asked.set("record", record);
  await put(waits, `/parts/inbox?${asked}`);
  showWaiting(Number(waits.querySelector("[data-waiting]").dataset.waiting));
}

/** Do one thing after another. */
function then(act) {
  working = working.then(act).catch((error) => say(error.message));
  return working;
}

/** Do what a person asked for, once: a key pressed twice answers one picture, not two. */
async function once(act) {
  if (answering) return;
  answering = true;
  await then(act);
  answering = false;
  keepGiven();
}

/** Keep what was answered, so that it can be taken back after the page is loaded again. */
function keepGiven() {
  undoing.disabled = !given.length;
  sessionStorage.setItem("golden-given", JSON.stringify(given.slice(-50)));
}

/** The one that comes after in the list, so that an answer goes on from here. */
function following(record) {
  const links = [...waits.querySelectorAll(".recent a")].map((link) => link.dataset.record);
  return links[links.indexOf(record) + 1];
}

function answer(said) {
  if (!shown()) return;
  const { record, name, part } = shown().dataset;
  const odd = { ...shown().dataset }; // another picture is shown once it is answered
  const views = [...waits.querySelectorAll("[name=showing]:checked")].map((one) => one.value);
  if (part && said === "defect" && !views.length) {
    say(_("Say which view shows the defect."));
    return;
  }
  const next = following(record);
  once(async () => {
    const whole = part && { product: shown().dataset.partProduct, id: part, views };
    const all = part ? await giveToPart(whole, said, odd) : [await give(Number(record), said, odd)];
    if (!all?.[0]) return;
    const kept = all.find((one) => one.missed) ?? all.find((one) => one.revision !== null || one.proposed) ?? all[0];
    given.push({ ids: all.map((one) => one.id), record, name });
    const done = kept.missed ? _("It was not called a defect: mark where it is, so that such ones are.") : effect(kept);
    last.textContent = `${name}: ${ANSWERS[said]}. ${done}`;
    marking.hidden = !kept.missed;
    marking.dataset.record = kept.record;
    await show(next);
  });
}

function undo() {
  if (!given.length) return;
  once(async () => {
    const { ids, record, name } = given.at(-1);
    for (const id of ids.toReversed()) {
      try {
        await ask(`/api/feedback/${id}`, { method: "DELETE" });
      } catch (error) {
        if (error.status !== 404) throw error; // else it was taken back elsewhere
      }
    }
    given.pop();
    marking.hidden = true;
    last.textContent = _("%(name)s: taken back; it waits again.", { name });
    await show(record);
  });
}

/** Show the part that was answered last, to mark its defect and to teach it. */
async function showMiss() {
  await put(waits, `/parts/miss?${new URLSearchParams({ record: marking.dataset.record, product })}`);
  marking.hidden = true;
  openMiss(waits, (words) => {
    last.textContent = words;
    once(() => show());
  });
}

marking.addEventListener("click", () => once(showMiss));
waits.addEventListener("click", (event) => {
  if (event.target.closest("#go-back")) once(() => show());
  const button = event.target.closest("[data-answer]");
  if (button) answer(button.dataset.answer);
  const link = event.target.closest(".recent a");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    once(() => show(link.dataset.record));
  }
});
undoing.addEventListener("click", undo);
order.addEventListener("change", () => once(() => show()));

const KEYS = { g: () => answer("good"), d: () => answer("defect"), u: () => answer("unsure"), z: undo };

addEventListener("keydown", (event) => {
  const types = event.target.matches("input:not([type=range], [type=checkbox]), select, textarea");
  const key = event.key.toLowerCase();
  const held = event.ctrlKey || event.metaKey;
  if (types || document.querySelector("dialog[open]") || event.altKey || event.repeat || !(key in KEYS) || (held && key !== "z")) return;
  event.preventDefault();
  KEYS[key]();
});

keepGiven();

/** Keep the picture that is looked at; list what is new beside it. */
const refresh = () => answering || missed() || then(() => show(shown()?.dataset.record));
let soon = 0;

function news(one) {
  if (one.product && one.product !== product) return;
  clearTimeout(soon);
  soon = setTimeout(refresh, 400);
}

listen({ record: (one) => one.verdict !== "good" && news(one), answer: news }, () => news({}));
