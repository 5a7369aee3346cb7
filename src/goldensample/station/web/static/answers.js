// Giving an answer: who gives it is asked first, and so is whether an odd part is good for certain.
import { _, confirmed, keepName, person, send } from "./station.js";

/** Give an answer; return what was kept, or null where the person thought better of it. */
export async function give(record, answer, odd) {
  return (await agreed(answer, odd)) ? (await send("/api/feedback", { record, answer })).json() : null;
}

/** Give an answer to a whole part; return what was kept of each view, or null. */
export async function giveToPart({ product, id, views }, answer, odd) {
  const address = `/api/parts/${encodeURIComponent(product)}/${id}/feedback`;
  return (await agreed(answer, odd)) ? (await send(address, { answer, views })).json() : null;
}

/** Ask who answers, if an odd part is good for certain, and what learning it costs; tell whether to go on. */
async function agreed(answer, { far, silences }) {
  if (person.asked && !person.name) {
    document.getElementById("asked-name").value = "";
    if (!(await confirmed("who-dialog"))) return false;
    await keepName(document.getElementById("asked-name").value);
    if (!person.name) return false;
  }
  if (answer === "good" && far) {
    document.getElementById("far-times").textContent = far;
    if (!(await confirmed("far-dialog"))) return false;
  }
  return answer !== "good" || !silences || confirmed("silence-dialog");
}

/** Say what an answer did. */
export function effect(kept) {
  if (kept.revision !== null) return _("Learned: revision %(revision)s; takes effect from the next picture.", kept);
  if (kept.proposed) return _("Proposed: an engineer decides whether it is learned.");
  return kept.missed ? _("Missed. Mark where the defect is.") : _("Kept.");
}
