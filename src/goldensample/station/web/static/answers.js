// Giving an answer: who gives it is asked first, and so is whether an odd part is good for certain.
import { _, confirmed, keepName, person, send } from "./station.js";

/** Give an answer; return what was kept, or null where the person thought better of it. */
export async function give(record, answer, far) {
  if (person.asked && !person.name) {
    document.getElementById("asked-name").value = "";
    if (!(await confirmed("who-dialog"))) return null;
    await keepName(document.getElementById("asked-name").value);
    if (!person.name) return null;
  }
  if (answer === "good" && far) {
    document.getElementById("far-times").textContent = far;
    if (!(await confirmed("far-dialog"))) return null;
  }
  return (await send("/api/feedback", { record, answer })).json();
}

/** Say what an answer did. */
export function effect(kept) {
  if (kept.revision !== null) return _("Learned: revision %(revision)s; takes effect from the next picture.", kept);
  if (kept.proposed) return _("Proposed: an engineer decides whether it is learned.");
  return kept.missed ? _("Missed. Mark where the defect is.") : _("Kept.");
}
