// Learning: an engineer decides on what was proposed.
import { _, say, send } from "./station.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-decide]");
  if (!button) return;
  const line = button.closest("[data-proposal]");
  for (const one of line.querySelectorAll("button")) one.disabled = true;
  try {
    const decision = { learn: button.dataset.decide === "yes" };
    const { revision } = await (await send(`/api/feedback/${line.dataset.proposal}/decision`, decision)).json();
    say(revision === null ? _("Not learned.") : _("Learned: revision %(revision)s; takes effect from the next picture.", { revision }));
    line.remove();
  } catch (error) {
    for (const one of line.querySelectorAll("button")) one.disabled = false;
    say(error.message);
  }
});
